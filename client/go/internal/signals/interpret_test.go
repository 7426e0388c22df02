package signals

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"apportion.dev/client/apportionv1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// The cases that the clients of all languages share.
const shared = "../../../../tests/conformance/signals"

type caseFile struct {
	Preset  string          `json:"preset"`
	Signals json.RawMessage `json:"signals"`
	Cases   []struct {
		Name     string          `json:"name"`
		Signals  json.RawMessage `json:"signals"`
		Response struct {
			Status  int         `json:"status"`
			Headers [][2]string `json:"headers"`
			Body    *string     `json:"body"`
		} `json:"response"`
		Observations []json.RawMessage `json:"observations"`
		Uncounted    bool              `json:"uncounted"`
	} `json:"cases"`
}

func TestResponsesSayWhatTheCasesState(t *testing.T) {
	presets := readJSON[map[string]json.RawMessage](t, filepath.Join(shared, "presets.json"))
	paths, _ := filepath.Glob(filepath.Join(shared, "*.json"))
	count := 0
	for _, path := range paths {
		if filepath.Base(path) == "presets.json" {
			continue
		}
		file := readJSON[caseFile](t, path)
		for _, c := range file.Cases {
			signals := c.Signals
			if signals == nil {
				signals = file.Signals
			}
			if signals == nil {
				signals = presets[file.Preset]
			}
			count++
			t.Run(filepath.Base(path)+": "+c.Name, func(t *testing.T) {
				by := &apportionv1.Signals{}
				if err := protojson.Unmarshal(signals, by); err != nil {
					t.Fatal(err)
				}
				r := Response{Status: c.Response.Status, Header: http.Header{}}
				for _, line := range c.Response.Headers {
					r.Header.Add(line[0], line[1])
				}
				if c.Response.Body != nil {
					r.Body = []byte(*c.Response.Body)
				}
				seen, isCounted := Interpret(by, r)
				if isCounted == c.Uncounted || len(seen) != len(c.Observations) {
					t.Fatalf("counted: %v, %v", isCounted, seen)
				}
				for at, observation := range seen {
					expected := &apportionv1.Observation{}
					if err := protojson.Unmarshal(c.Observations[at], expected); err != nil {
						t.Fatal(err)
					}
					if !proto.Equal(observation, expected) {
						t.Errorf("%v, and not %v", observation, expected)
					}
				}
			})
		}
	}
	if count < 100 {
		t.Fatalf("only %d cases were found", count)
	}
}

func readJSON[T any](t *testing.T, path string) (value T) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &value)
	}
	if err != nil {
		t.Fatal(path, err)
	}
	return value
}

func TestNothingMakesAnInterpreterFail(t *testing.T) {
	letters := []string{`"`, ",", ";", "=", ":", ".", "-", "+", " ", "\t", `\`, "0", "1", "9", "a", "z", "T", "Z", "{", "}", "[", "]",
		"%", "\x00", "\x7f", "\xe4", "é", "?", "*", "/"}
	names := []string{"RateLimit", "RateLimit-Policy", "X-Reset", "Retry-After", "Date"}
	for range 3000 {
		text := ""
		for range rand.IntN(40) {
			text += letters[rand.IntN(len(letters))]
		}
		r := Response{Status: http.StatusTooManyRequests, Header: http.Header{}, Body: []byte(text)}
		for range 3 {
			r.Header.Add(names[rand.IntN(len(names))], text)
		}
		for form := range apportionv1.TimeForm_name {
			_, _ = Interpret(everything(apportionv1.TimeForm(form)), r)
		}
	}
	_, _ = Interpret(nil, Response{})
	_, _ = Interpret(&apportionv1.Signals{Limits: []*apportionv1.LimitSignal{nil}, Throttles: []*apportionv1.ThrottleSignal{nil}}, Response{})
}

// everything is signals that read everything that can be read in one form.
func everything(form apportionv1.TimeForm) *apportionv1.Signals {
	return &apportionv1.Signals{
		Limits: []*apportionv1.LimitSignal{
			{
				LimitPermits:     &apportionv1.CountSource{Header: "RateLimit-Policy", Parameter: "a"},
				RemainingPermits: &apportionv1.CountSource{Header: "RateLimit", Parameter: "z", Item: "a"},
				Reset_:           &apportionv1.TimeSource{Header: "X-Reset", Form: form},
			},
			{
				Limit:            "other",
				RemainingPermits: &apportionv1.CountSource{Header: "X-Reset", Form: apportionv1.CountForm_COUNT_FORM_USED_OF_LIMIT},
			},
		},
		Throttles: []*apportionv1.ThrottleSignal{{Response: &apportionv1.ResponseMatch{
			Body: []*apportionv1.BodyMatch{{Path: "a[0].b", Text: &apportionv1.BodyMatch_Contains{Contains: "z"}}},
		}}, {Response: &apportionv1.ResponseMatch{Statuses: []uint32{http.StatusTooManyRequests}}}},
		RetryAfter: []*apportionv1.TimeSource{{Header: "Retry-After", Form: form}},
	}
}

func TestWhatIsFinerThanANanosecondIsCutOffExactly(t *testing.T) {
	// A 27th of a day is no finite decimal: its digits decide even far behind the dot.
	digits := new(big.Rat).SetFrac64(1, 27).FloatString(60)[2:]
	below, _ := unitsOf("0." + digits + "d")
	above, _ := unitsOf("0." + digits[:59] + "9d")
	if below != 3_200*time.Second-1 || above != 3_200*time.Second {
		t.Fatal(fmt.Sprint(below, above))
	}
}
