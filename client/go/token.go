package apportion

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"
)

const (
	// How often the file of a token is read again while calls are made.
	tokenReadAgain = 10 * time.Second
	// The largest file of a token, in bytes.
	tokenFileMax = 64 << 10
)

// tokenKeeper keeps the token that every call carries.
type tokenKeeper struct {
	header string
	file   string
	readAt instant
	logger *slog.Logger
}

func newTokenKeeper(config *Config, now instant, logger *slog.Logger) (*tokenKeeper, error) {
	c := &tokenKeeper{file: config.TokenFile, readAt: now, logger: logger}
	var err error
	switch {
	case config.Token != "" && config.TokenFile != "":
		return nil, &ConfigError{Field: "TokenFile", Problem: "is set beside Token; set one of them"}
	case config.Token != "":
		c.header, err = bearer(config.Token)
	case config.TokenFile != "":
		c.header, err = readToken(config.TokenFile)
	}
	return c, err
}

// authorization is the value of the metadata; empty if there is no token.
func (c *tokenKeeper) authorization(now instant) string {
	if now >= c.readAt.after(tokenReadAgain) {
		c.readAgain(now)
	}
	return c.header
}

// readAgain reads the file of the token again, and returns whether the token is another one now. An unreadable file leaves the
// former token.
func (c *tokenKeeper) readAgain(now instant) bool {
	c.readAt = now
	if c.file == "" {
		return false
	}
	header, err := readToken(c.file)
	if err != nil {
		c.logger.Warn("apportion: the former token stays in use", "error", err)
		return false
	}
	isOther := header != c.header
	c.header = header
	return isOther
}

func readToken(path string) (string, error) {
	unusable := func(problem string) error {
		return &ConfigError{Field: "TokenFile", Problem: fmt.Sprintf("%q: %s", path, problem)}
	}
	file, err := os.Open(path)
	if err != nil {
		return "", unusable(err.Error())
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, tokenFileMax+1))
	if err != nil {
		return "", unusable(err.Error())
	}
	if len(text) > tokenFileMax {
		return "", unusable(fmt.Sprintf("it has more than %d bytes", tokenFileMax))
	}
	header, err := bearer(strings.TrimSpace(string(text)))
	if err != nil {
		return "", unusable("it must contain printable ASCII without spaces, and must not be empty")
	}
	return header, nil
}

func bearer(secret string) (string, error) {
	isOdd := func(r rune) bool { return r <= ' ' || r > '~' }
	if secret == "" || strings.ContainsFunc(secret, isOdd) {
		return "", &ConfigError{Field: "Token", Problem: "must be printable ASCII without spaces, and not empty"}
	}
	return "Bearer " + secret, nil
}
