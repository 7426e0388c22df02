package apportion

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestABlackHoleEndsInTime(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	quota, err := Connect(Config{Addresses: []string{"http://" + listener.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = quota.Close() }()
	start := time.Now()
	_, err = quota.Acquire(t.Context(), Request{MaxWait: time.Second})
	var unreachable *UnreachableError
	if !errors.As(err, &unreachable) || time.Since(start) > 5*time.Second {
		t.Fatalf("%v after %v", err, time.Since(start))
	}
}

func TestConfigurationsThatCannotWorkAreRefused(t *testing.T) {
	here := []string{"http://127.0.0.1:7420"}
	cases := map[string]Config{
		"Addresses":        {},
		"Addresses[0]":     {Addresses: []string{"127.0.0.1:7420"}},
		"Addresses[1]":     {Addresses: []string{"http://127.0.0.1:7420", "https://127.0.0.1:7420"}},
		"Token":            {Addresses: here, Token: "a b"},
		"TokenFile":        {Addresses: here, TokenFile: filepath.Join(t.TempDir(), "none")},
		"TLS":              {Addresses: here, TLS: TLS{ServerName: "x"}},
		"TLS.Authority":    {Addresses: []string{"https://127.0.0.1"}, TLS: TLS{Authority: []byte("x")}},
		"TLS.Certificate":  {Addresses: []string{"https://127.0.0.1"}, TLS: TLS{Certificate: []byte("x")}},
		"Fallback":         {Addresses: here, Fallback: Share(5, 0)},
		"ConnectTimeout":   {Addresses: here, ConnectTimeout: -1},
		"CloseTimeout":     {Addresses: here, CloseTimeout: -1},
		"is set beside":    {Addresses: here, Token: "a", TokenFile: "b"},
		"use https":        {Addresses: []string{"http://10.0.0.1:7420"}, Token: "a"},
		"scheme, a host":   {Addresses: []string{"http://user@127.0.0.1:7420"}},
		"from 1 to 65535":  {Addresses: []string{"http://127.0.0.1:0"}},
		"must have 1 to 1": {Addresses: make([]string, 17)},
	}
	for want, config := range cases {
		_, err := Connect(config)
		var refused *ConfigError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestATokenFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one\n")
	config := Config{TokenFile: path}
	keeper, err := newTokenKeeper(&config, 1, config.logger())
	if err != nil {
		t.Fatal(err)
	}
	write("two")
	late := instant(1).after(tokenReadAgain)
	if keeper.authorization(1) != "Bearer one" || keeper.authorization(late) != "Bearer two" {
		t.Fatal(keeper.header)
	}
	write("three")
	if !keeper.readAgain(late) || keeper.readAgain(late) {
		t.Fatal("it is read again when it is refused")
	}
	write(strings.Repeat("x", tokenFileMax+1))
	if keeper.readAgain(late) || keeper.authorization(late) != "Bearer three" {
		t.Fatal("an unusable file leaves the former token")
	}
}

func TestRoutesFollowFailuresAndHints(t *testing.T) {
	parse := func(text string) address {
		parsed, problem := parseAddress(text)
		if problem != "" {
			t.Fatal(problem)
		}
		return parsed
	}
	a, b, c := parse("http://127.0.0.1:1"), parse("http://127.0.0.1:2"), parse("http://127.0.0.1:3")
	r := &routes{configured: []address{a, b}, trust: trustLoopback}
	if !r.failed(a, 1) || r.next() != b || !r.failed(a, 1) || r.next() != b {
		t.Fatal(r.next())
	}
	if !r.hinted("127.0.0.1:3", 1) || r.next() != c || r.hinted("127.0.0.1:3", 1) {
		t.Fatal(r.next())
	}
	if !r.failed(c, 1) || r.next() != b || r.hinted("127.0.0.1:3", 1) {
		t.Fatal("a node that failed is ignored for a while")
	}
	if !r.hinted("127.0.0.1:3", instant(1).after(hintIgnored)) {
		t.Fatal("and not for ever")
	}
	for _, evil := range []string{"", "evil.example:1", "10.0.0.1:1", "user@127.0.0.1:3", "127.0.0.1:3/x", strings.Repeat("a", 300)} {
		if r.hinted(evil, 1) {
			t.Error(evil)
		}
	}
}
