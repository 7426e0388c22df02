package signals

import (
	"math/big"
	"strconv"
	"strings"
	"time"
)

// digitsMax is the most digits before the dot of a number.
const digitsMax = 15

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// integer reads a count: digits and nothing else.
func integer(text string) (uint64, bool) {
	if len(text) > digitsMax || !isDigits(text) {
		return 0, false
	}
	value, err := strconv.ParseUint(text, 10, 64)
	return value, err == nil
}

// usedOfLimit reads a form such as 32/40.
func usedOfLimit(text string) (used, limit uint64, ok bool) {
	before, after, _ := strings.Cut(text, "/")
	used, isUsed := integer(before)
	limit, isLimit := integer(after)
	return used, limit, isUsed && isLimit
}

// decimal reads so many units. What is finer than a nanosecond is cut off. False if it is longer than a duration of Go can be.
func decimal(text string, unit time.Duration) (time.Duration, bool) {
	whole, fraction, hasDot := strings.Cut(text, ".")
	count, ok := integer(whole)
	if !ok || hasDot && !isDigits(fraction) {
		return 0, false
	}
	sum := new(big.Int).Mul(new(big.Int).SetUint64(count), big.NewInt(int64(unit)))
	if hasDot {
		parts, _ := new(big.Int).SetString(fraction, 10)
		whole := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(len(fraction))), nil)
		sum.Add(sum, parts.Mul(parts, big.NewInt(int64(unit))).Div(parts, whole))
	}
	return time.Duration(sum.Int64()), sum.IsInt64()
}
