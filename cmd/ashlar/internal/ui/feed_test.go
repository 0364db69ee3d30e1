package ui

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFeed(t *testing.T) {
	raw := func(text string) json.RawMessage { return json.RawMessage(text) }
	feed := newFeed()
	look := func(seen int64, want *mapChange) {
		t.Helper()
		got, _, _ := feed.changesSince(seen)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("since %d (-want +got):\n%s", seen, diff)
		}
	}
	look(0, nil)
	feed.applyUpdate(&pictureUpdate{Nodes: map[string]json.RawMessage{"a": raw(`1`), "b": raw(`2`)}, Waiting: raw(`[]`), Notes: raw(`[]`)})
	look(0, &mapChange{Version: 1, Whole: true, Nodes: []json.RawMessage{raw(`1`), raw(`2`)}, Waiting: raw(`[]`), Notes: raw(`[]`)})
	look(1, nil)

	_, _, news := feed.changesSince(1)
	feed.applyUpdate(&pictureUpdate{Nodes: map[string]json.RawMessage{"a": raw(`1`)}, Waiting: raw(`[]`)})
	select {
	case <-news:
		t.Fatal("what is as it was is news")
	default:
	}
	feed.applyUpdate(&pictureUpdate{Nodes: map[string]json.RawMessage{"a": raw(`3`), "b": nil, "c": nil}})
	select {
	case <-news:
	default:
		t.Fatal("a change is no news")
	}
	look(1, &mapChange{Version: 2, Nodes: []json.RawMessage{raw(`3`)}, Gone: []string{"b"}})
	look(0, &mapChange{Version: 2, Whole: true, Nodes: []json.RawMessage{raw(`3`)}, Waiting: raw(`[]`), Notes: raw(`[]`)})

	feed.applyUpdate(&pictureUpdate{Nodes: map[string]json.RawMessage{"b": raw(`4`)}})
	look(1, &mapChange{Version: 3, Nodes: []json.RawMessage{raw(`3`), raw(`4`)}})
	feed.replaceAll(&pictureUpdate{Nodes: map[string]json.RawMessage{"b": raw(`4`)}, Waiting: raw(`[1]`)})
	look(3, &mapChange{Version: 4, Gone: []string{"a"}, Waiting: raw(`[1]`)})

	feed.setTrouble("the API server is gone")
	if _, trouble, _ := feed.changesSince(4); trouble != "the API server is gone" {
		t.Errorf("trouble %q", trouble)
	}
}
