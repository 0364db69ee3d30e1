package ui

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// restBetween is how long a page is left alone after it was told something.
	restBetween = 250 * time.Millisecond
	// heartbeat is how often a page is told that nothing changed, so that it notices if it is not.
	heartbeat = 15 * time.Second
	// writeTimeout is how long a page may take to accept what it is told.
	writeTimeout = 30 * time.Second
	// maxPages is how many pages are told of changes at a time.
	maxPages = 32
)

// serveEvents tells a page what the cluster looks like and what changes, as server-sent events:
// "change" is a mapChange, "trouble" a text.
func (s *pageServer) serveEvents(w http.ResponseWriter, r *http.Request) {
	select {
	case s.pages <- struct{}{}:
		defer func() { <-s.pages }()
	default:
		http.Error(w, fmt.Sprintf("%d pages are open already: close one", maxPages), http.StatusServiceUnavailable)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	events := &eventWriter{to: w, control: http.NewResponseController(w)}
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		header.Set("Content-Encoding", "gzip")
		zipped, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		events.to, events.zipped = zipped, zipped
	}
	if s.tellPage(r, events) == nil && events.zipped != nil {
		events.zipped.Close()
	}
}

// tellPage tells a page until it or the server goes away.
func (s *pageServer) tellPage(r *http.Request, events *eventWriter) error {
	var seen int64
	trouble := ""
	for {
		change, now, news := s.feed.changesSince(seen)
		if now != trouble {
			trouble = now
			if err := events.sendEvent("trouble", trouble); err != nil {
				return err
			}
		}
		if change != nil {
			seen = change.Version
			if err := events.sendEvent("change", change); err != nil {
				return err
			}
		}
		for waits := true; waits; {
			select {
			case <-news:
				waits = false
			case <-time.After(heartbeat):
				if err := events.sendEvent("", nil); err != nil {
					return err
				}
			case <-r.Context().Done():
				return r.Context().Err()
			case <-s.done:
				return nil
			}
		}
		select {
		case <-time.After(restBetween):
		case <-s.done:
			return nil
		}
	}
}

// eventWriter writes server-sent events.
type eventWriter struct {
	to      io.Writer
	zipped  *gzip.Writer
	control *http.ResponseController
}

// sendEvent writes an event, or a comment if it has no name, and sees that it gets away.
func (e *eventWriter) sendEvent(name string, value any) error {
	if err := e.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if name == "" {
		if _, err := io.WriteString(e.to, ":\n\n"); err != nil {
			return err
		}
	} else {
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(e.to, "event: %s\ndata: %s\n\n", name, text); err != nil {
			return err
		}
	}
	if e.zipped != nil {
		if err := e.zipped.Flush(); err != nil {
			return err
		}
	}
	return e.control.Flush()
}
