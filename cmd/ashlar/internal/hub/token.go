package hub

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
)

// tokenFor finds the token for a hub, "" if there is none.
func tokenFor(base *url.URL, file string) (string, error) {
	if file != "" {
		return tokenIn(file)
	}
	if !isHome(base) {
		return "", nil
	}
	return checkToken("HF_TOKEN", os.Getenv("HF_TOKEN"))
}

// isHome reports whether HF_TOKEN is meant for the hub.
func isHome(base *url.URL) bool {
	for _, home := range []string{Default, os.Getenv("HF_ENDPOINT")} {
		if address, err := url.Parse(home); err == nil && address.Host == base.Host && address.Scheme == base.Scheme {
			return true
		}
	}
	return false
}

func tokenIn(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxToken+1))
	if err != nil {
		return "", fmt.Errorf("token: reading %s: %w", name, err)
	}
	token, err := checkToken(name, string(text))
	if err == nil && token == "" {
		err = fmt.Errorf("token: %s is empty", name)
	}
	return token, err
}

// checkToken refuses what cannot be a header's value. It never repeats the token.
func checkToken(where, text string) (string, error) {
	token := strings.TrimSpace(text)
	if len(token) > maxToken {
		return "", errors.New(where + " is longer than any token")
	}
	for _, r := range token {
		if r <= ' ' || r > '~' {
			return "", errors.New(where + " holds more than a token: want one word")
		}
	}
	return token, nil
}

func isSet(name string) bool {
	switch strings.ToLower(os.Getenv(name)) {
	case "1", "on", "yes", "true":
		return true
	}
	return false
}
