package signals

import (
	"net/http"
	"slices"
	"strings"

	"apportion.dev/client/apportionv1"
)

// valueMax is the longest value of a header that is looked at.
const valueMax = 1024

// source is a header, or a parameter of an item in it.
type source interface {
	GetHeader() string
	GetItem() string
	GetParameter() string
}

// textOf is the text that a source names.
func textOf(from source, r Response) (string, bool) {
	value, ok := headerValue(r.Header, from.GetHeader())
	if !ok || from.GetParameter() == "" {
		return value, ok
	}
	return parameter(value, from.GetItem(), from.GetParameter())
}

// headerValue joins the lines of a header. It is absent if it is too long, or has a byte that no header should have.
func headerValue(header http.Header, name string) (string, bool) {
	lines := header.Values(name)
	if len(lines) == 0 {
		return "", false
	}
	value := strings.Trim(lines[0], " \t")
	for _, line := range lines[1:] {
		if value += ", " + strings.Trim(line, " \t"); len(value) > valueMax {
			return "", false
		}
	}
	isOdd := func(c rune) bool { return c != '\t' && (c < ' ' || c > '~') }
	return value, len(value) <= valueMax && !strings.ContainsFunc(value, isOdd)
}

// allHold says whether all conditions on headers hold.
func allHold(conditions []*apportionv1.HeaderMatch, r Response) bool {
	return !slices.ContainsFunc(conditions, func(condition *apportionv1.HeaderMatch) bool {
		value, ok := headerValue(r.Header, condition.GetHeader())
		isOne := func(one string) bool { return strings.EqualFold(value, one) }
		return !ok || len(condition.GetValues()) > 0 && !slices.ContainsFunc(condition.GetValues(), isOne)
	})
}
