/** The command line of the example service. */

import { parseArgs } from "node:util";

const USAGE = `usage: run [OPTIONS]

  --apportion URL    where Apportion listens (default http://127.0.0.1:7420)
  --workspace ID     the workspace
  --team ID          the team
  --caller NAME      the name of this service (default example-node)
  --provider URL     what is called (default http://127.0.0.1:8080/contacts)
  --workers N        how many requests are in flight at most (default 1)
  --requests N       end after that many (default 100, unless --seconds is given)
  --seconds S        end after that long
  --start-at UNIX_S  when to start
  --json             print a line for each request
`;

/** What the service is told. */
export interface Options {
  readonly apportion: string;
  readonly workspace: string;
  readonly team: string;
  readonly caller: string;
  readonly provider: string;
  readonly workers: number;
  readonly requests: number;
  readonly seconds: number;
  readonly startAtMs: number | undefined;
  readonly json: boolean;
}

/** Returns the options. Ends the process if they are invalid, and says why. */
export function parse(args: string[]): Options {
  try {
    return options(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return process.exit(2);
  }
}

function options(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      apportion: { type: "string", default: "http://127.0.0.1:7420" },
      workspace: { type: "string", default: "" },
      team: { type: "string", default: "" },
      caller: { type: "string", default: "example-node" },
      provider: { type: "string", default: "http://127.0.0.1:8080/contacts" },
      workers: { type: "string", default: "1" },
      requests: { type: "string" },
      seconds: { type: "string" },
      "start-at": { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const { apportion, workspace, team, caller, provider, workers, requests, seconds, json } = values;
  const startAt = values["start-at"];
  return {
    ...{ apportion, workspace, team, caller, provider, json },
    workers: count("workers", workers, 1),
    requests: requests === undefined ? (seconds === undefined ? 100 : Infinity) : count("requests", requests, 0),
    seconds: seconds === undefined ? Infinity : number("seconds", seconds),
    startAtMs: startAt === undefined ? undefined : number("start-at", startAt) * 1_000,
  };
}

function count(name: string, text: string, least: number): number {
  if (/^[0-9]{1,9}$/.test(text) && Number(text) >= least) return Number(text);
  throw new Error(`--${name} ${text}: must be an integer of at least ${String(least)}`);
}

function number(name: string, text: string): number {
  if (/^[0-9]{1,12}(?:\.[0-9]+)?$/.test(text)) return Number(text);
  throw new Error(`--${name} ${text}: must be a number of at least 0`);
}
