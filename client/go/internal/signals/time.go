package signals

import (
	"regexp"
	"slices"
	"strconv"
	"time"

	"apportion.dev/client/apportionv1"
)

// spanMax is the longest duration that is reported.
const spanMax = 366 * 24 * time.Hour

var (
	// The instants that are reported are before the start of 2262.
	instantEnd = time.Date(2262, time.January, 1, 0, 0, 0, 0, time.UTC)

	part     = regexp.MustCompile(`^([0-9.]+)(ms|us|d|h|m|s)`)
	rfc3339  = regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$`)
	imfFixed = regexp.MustCompile(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$`)

	months = []string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
)

// The units of a duration, in the order that they may be written in.
var units = []struct {
	name   string
	length time.Duration
}{
	{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second},
	{"ms", time.Millisecond}, {"us", time.Microsecond},
}

// instant reads an instant. False if the form is not one of an instant, if the text is not of that form, or out of range.
func instant(text string, form apportionv1.TimeForm) (at time.Time, ok bool) {
	switch form {
	case apportionv1.TimeForm_TIME_FORM_UNIX_SECONDS:
		var since time.Duration
		since, ok = decimal(text, time.Second)
		at = time.Unix(0, int64(since))
	case apportionv1.TimeForm_TIME_FORM_UNIX_MILLISECONDS:
		var count uint64
		count, ok = integer(text)
		at = time.UnixMilli(int64(count))
	case apportionv1.TimeForm_TIME_FORM_RFC_3339:
		at, ok = rfc3339Time(text)
	case apportionv1.TimeForm_TIME_FORM_HTTP_DATE:
		at, ok = httpDate(text)
	default:
		return time.Time{}, false
	}
	return at, ok && !at.Before(time.Unix(0, 0)) && at.Before(instantEnd)
}

// span reads a duration. False if the form is not one of a duration, if the text is not of that form, or out of range.
func span(text string, form apportionv1.TimeForm) (length time.Duration, ok bool) {
	switch form {
	case apportionv1.TimeForm_TIME_FORM_SECONDS:
		length, ok = decimal(text, time.Second)
	case apportionv1.TimeForm_TIME_FORM_MILLISECONDS:
		if _, ok = integer(text); ok {
			length, ok = decimal(text, time.Millisecond)
		}
	case apportionv1.TimeForm_TIME_FORM_DURATION:
		length, ok = unitsOf(text)
	default:
		return 0, false
	}
	return length, ok && length <= spanMax
}

// unitsOf reads a duration such as 6m0s.
func unitsOf(text string) (sum time.Duration, ok bool) {
	for left := units; text != ""; {
		found := part.FindStringSubmatch(text)
		if found == nil {
			return 0, false
		}
		at := 0
		for at < len(left) && left[at].name != found[2] {
			at++
		}
		if at == len(left) {
			return 0, false
		}
		length, isDecimal := decimal(found[1], left[at].length)
		if !isDecimal || length > spanMax {
			return 0, false
		}
		sum, ok = sum+length, true
		left, text = left[at+1:], text[len(found[0]):]
	}
	return sum, ok
}

func rfc3339Time(text string) (time.Time, bool) {
	found := rfc3339.FindStringSubmatch(text)
	if found == nil {
		return time.Time{}, false
	}
	at, ok := existing(number(found[1]), number(found[2]), found[3], found[4:7])
	if !ok {
		return time.Time{}, false
	}
	if found[7] != "" {
		fraction, _ := decimal("0."+found[7], time.Second)
		at = at.Add(fraction)
	}
	hours, minutes := number(found[9]), number(found[10])
	if hours > 23 || minutes > 59 {
		return time.Time{}, false
	}
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if found[8] == "+" {
		offset = -offset
	}
	return at.Add(offset), true
}

// httpDate reads the preferred form of the dates of HTTP. The name of the day is not compared with the date.
func httpDate(text string) (time.Time, bool) {
	found := imfFixed.FindStringSubmatch(text)
	if found == nil {
		return time.Time{}, false
	}
	month := slices.Index(months, found[2]) + 1
	return existing(number(found[3]), month, found[1], found[4:7])
}

// existing is a date that exists, at a time of its day without leap seconds.
func existing(year, month int, day string, clock []string) (time.Time, bool) {
	hour, minute, second := number(clock[0]), number(clock[1]), number(clock[2])
	at := time.Date(year, time.Month(month), number(day), hour, minute, second, 0, time.UTC)
	exists := at.Year() == year && int(at.Month()) == month && at.Day() == number(day)
	return at, exists && hour <= 23 && minute <= 59 && second <= 59
}

// number is the value of a few digits; 0 for none.
func number(digits string) int {
	value, _ := strconv.Atoi(digits)
	return value
}
