package hub

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// NotFound is a model, or a file of one, that the hub does not have.
type NotFound struct{ message string }

func (e *NotFound) Error() string { return e.message }

// unreachableError is a hub that gives no answer, for which an old copy will do.
type unreachableError struct{ error }

func (e *unreachableError) Unwrap() error { return e.error }

// refusedRedirect is a redirect that is not followed: no trouble of the network's.
type refusedRedirect struct{ error }

// refusalError is the error for an answer that is none.
func (c *Client) refusalError(response *http.Response, address, model string) error {
	// Hugging Face answers 401 to those without a token also where there is nothing.
	code := response.Header.Get("X-Error-Code")
	page := c.base.String() + "/" + model
	switch status := response.StatusCode; {
	case code == "GatedRepo" && c.token == "":
		return fmt.Errorf("%s: the model is gated: accept its licence at %s, then give a token in HF_TOKEN or with --hub-token-file",
			address, page)
	case code == "GatedRepo":
		return fmt.Errorf("%s: the model is gated and the token's owner has no access: accept its licence at %s", address, page)
	case code == "RevisionNotFound":
		return &NotFound{fmt.Sprintf("%s: the model has no revision %q", address, c.revision)}
	case code == "EntryNotFound":
		return &NotFound{fmt.Sprintf("%s: the model has no such file", address)}
	case code == "RepoNotFound" && c.token == "":
		return &NotFound{fmt.Sprintf("%s: there is no such model, or it is private and needs a token in HF_TOKEN or with --hub-token-file",
			address)}
	case code == "RepoNotFound":
		return &NotFound{fmt.Sprintf("%s: there is no such model, or the token's owner may not see it", address)}
	case status == http.StatusNotFound:
		return &NotFound{fmt.Sprintf("%s: the hub has no such model or file", address)}
	case (status == http.StatusUnauthorized || status == http.StatusForbidden) && c.token == "":
		return fmt.Errorf("%s: the hub answers %s: if the model is gated, accept its licence at %s; "+
			"then give a token in HF_TOKEN (for %s) or with --hub-token-file",
			address, response.Status, page, Default)
	case status == http.StatusUnauthorized:
		return fmt.Errorf("%s: the hub answers %s: the token is not valid, or expired", address, response.Status)
	case status == http.StatusForbidden:
		return fmt.Errorf("%s: the hub answers %s: the token does not give access; accept the model's licence at %s",
			address, response.Status, page)
	}
	return fmt.Errorf("%s: the hub answers %s", address, response.Status)
}

func tooLarge(address string, most int64) error {
	return fmt.Errorf("%s: is larger than %d MiB, which no model's is", address, most>>20)
}

// explainNetworkError turns an error of the network into one that says what to do.
func explainNetworkError(err error) error {
	var no refusedRedirect
	if errors.As(err, &no) {
		return no.error
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return &unreachableError{fmt.Errorf("%w: the hub does not answer in time", withoutVerb(err))}
	}
	return &unreachableError{withoutVerb(err)}
}

// withoutVerb drops the method that net/http puts before an address.
func withoutVerb(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return fmt.Errorf("%s: %w", wrapped.URL, wrapped.Err)
	}
	return err
}
