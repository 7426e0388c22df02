package signals

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"apportion.dev/client/apportionv1"
)

const (
	// BodyMax is the longest body that is looked at.
	BodyMax  = 4096
	depthMax = 32
)

// A step of a path: the name of a member, or an index.
var step = regexp.MustCompile(`([A-Za-z0-9_\-]+)|\[([0-9]{1,2})\]|\.`)

// bodyMatches says whether all conditions hold for a body.
func bodyMatches(conditions []*apportionv1.BodyMatch, body []byte) bool {
	if body == nil || len(body) > BodyMax || !utf8.Valid(body) || depth(body) > depthMax {
		return false
	}
	var document any
	if json.Unmarshal(body, &document) != nil {
		return false
	}
	return !slices.ContainsFunc(conditions, func(c *apportionv1.BodyMatch) bool { return !holds(c, document) })
}

func holds(condition *apportionv1.BodyMatch, document any) bool {
	at := document
	for _, found := range step.FindAllStringSubmatch(condition.GetPath(), -1) {
		switch {
		case found[1] != "":
			object, _ := at.(map[string]any)
			at = object[found[1]]
		case found[2] != "":
			array, _ := at.([]any)
			if index, err := strconv.Atoi(found[2]); err == nil && index < len(array) {
				at = array[index]
			} else {
				at = nil
			}
		}
	}
	text, ok := at.(string)
	switch wanted := condition.GetText().(type) {
	case *apportionv1.BodyMatch_Equals:
		return ok && text == wanted.Equals
	case *apportionv1.BodyMatch_Contains:
		return ok && strings.Contains(text, wanted.Contains)
	default:
		return false
	}
}

// depth is how deep a JSON text is nested.
func depth(text []byte) (deepest int) {
	depth, isString, isEscaped := 0, false, false
	for _, c := range text {
		switch {
		case isString:
			isString = isEscaped || c != '"'
			isEscaped = c == '\\' && !isEscaped
		case c == '"':
			isString = true
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}
