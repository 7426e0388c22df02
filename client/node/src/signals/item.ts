/** Items of the structured lists of RFC 9651, such as `"burst";r=50;t=30, "day";r=900`. */

const STRING = /"(?:[ !#-[\]-~]|\\["\\])*"/y;
const TOKEN = /[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*/y;
const KEY = /[a-z*][a-z0-9_\-.*]*/y;
const NUMBER = /-?[0-9]{1,15}(?:\.[0-9]{1,3})?/y;
const OTHER = /\?[01]|:[A-Za-z0-9+/=]*:/y;
const COMMA = /[ \t]*,[ \t]*/y;
const SEMICOLON = /; */y;

/** One item. A parameter that is no number has no text. */
interface Item {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string | undefined>;
}

/** Returns the number of a parameter of the first item of a name. Without a name, the list must have exactly one item. */
export function parameterOf(list: string, name: string, parameter: string): string | undefined {
  const items = new Reader(list).items();
  if (items === undefined) return undefined;
  const item = name === "" ? single(items) : items.find((each) => each.name === name);
  return item?.parameters.get(parameter);
}

function single(items: readonly Item[]): Item | undefined {
  return items.length === 1 ? items[0] : undefined;
}

/** Reads a list from its start to its end. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Returns the items, or nothing if anything is broken. */
  items(): Item[] | undefined {
    const items: Item[] = [];
    do {
      const name = this.#eat(STRING) ?? this.#eat(TOKEN);
      const parameters = name === undefined ? undefined : this.#parameters();
      if (name === undefined || parameters === undefined) return undefined;
      items.push({ name: unquoted(name), parameters });
      if (this.#at === this.#text.length) return items;
    } while (this.#eat(COMMA) !== undefined);
    return undefined;
  }

  #parameters(): Map<string, string | undefined> | undefined {
    const parameters = new Map<string, string | undefined>();
    while (this.#eat(SEMICOLON) !== undefined) {
      const key = this.#eat(KEY);
      if (key === undefined) return undefined;
      let number: string | undefined;
      if (this.#text[this.#at] === "=") {
        this.#at += 1;
        number = this.#eat(NUMBER);
        if (number === undefined && [STRING, TOKEN, OTHER].every((form) => this.#eat(form) === undefined)) return undefined;
      }
      parameters.set(key, number);
    }
    return parameters;
  }

  #eat(form: RegExp): string | undefined {
    form.lastIndex = this.#at;
    const [found] = form.exec(this.#text) ?? [];
    this.#at += found?.length ?? 0;
    return found;
  }
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replace(/\\(.)/g, "$1") : name;
}
