package signals

import (
	"regexp"
	"strings"
)

// The parts of a structured list of RFC 9651, each at the start of what is left of it.
var (
	itemName    = regexp.MustCompile(`^(?:"(?:[ !#-\[\]-~]|\\["\\])*"|[A-Za-z*][!#$%&'*+\-.^_` + "`" + `|~0-9A-Za-z:/]*)`)
	itemKey     = regexp.MustCompile(`^; *([a-z*][a-z0-9_\-.*]*)`)
	itemNumber  = regexp.MustCompile(`^=(-?(?:[0-9]{1,12}\.[0-9]{1,3}|[0-9]{1,15}))`)
	itemOther   = regexp.MustCompile(`^=(?:\?[01]|:[A-Za-z0-9+/=]*:)`)
	itemComma   = regexp.MustCompile(`^[ \t]*,[ \t]*`)
	itemEscaped = strings.NewReplacer(`\"`, `"`, `\\`, `\`)
)

// parameter is the number of a parameter of an item in a structured list. Without a name of an item, the list must have exactly
// one. False if anything in the list is broken.
func parameter(list, item, key string) (string, bool) {
	list = strings.Trim(list, " ")
	var chosen map[string]string
	for count := 1; ; count++ {
		name := itemName.FindString(list)
		if name == "" {
			return "", false
		}
		numbers, rest, ok := parameters(list[len(name):])
		if !ok {
			return "", false
		}
		if chosen == nil && (item == "" || unquoted(name) == item) {
			chosen = numbers
		}
		if rest == "" {
			number, ok := chosen[key]
			return number, ok && number != "" && (item != "" || count == 1)
		}
		comma := itemComma.FindString(rest)
		if comma == "" {
			return "", false
		}
		list = rest[len(comma):]
	}
}

// parameters reads the parameters of an item, and returns what follows them. The value of one that is no number is empty.
func parameters(text string) (numbers map[string]string, rest string, ok bool) {
	numbers = map[string]string{}
	for strings.HasPrefix(text, ";") {
		key := itemKey.FindStringSubmatch(text)
		if key == nil {
			return nil, "", false
		}
		text = text[len(key[0]):]
		number := ""
		if strings.HasPrefix(text, "=") {
			var value string
			if value, number = parameterValue(text); value == "" {
				return nil, "", false
			}
			text = text[len(value):]
		}
		numbers[key[1]] = number
	}
	return numbers, text, true
}

// parameterValue is the text of a value with its equals sign, empty if it is broken, and the number that it is, if it is one.
func parameterValue(text string) (value, number string) {
	if found := itemNumber.FindStringSubmatch(text); found != nil {
		return found[0], found[1]
	}
	if name := itemName.FindString(text[1:]); name != "" {
		return text[:1+len(name)], ""
	}
	return itemOther.FindString(text), ""
}

func unquoted(name string) string {
	if !strings.HasPrefix(name, `"`) {
		return name
	}
	return itemEscaped.Replace(name[1 : len(name)-1])
}
