package dryrun

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestSplitList(t *testing.T) {
	const node = `{"apiVersion":"v1","kind":"Node","metadata":{"name":"a"}}`
	tests := map[string]struct {
		text      string
		wantWhole bool
		wantItems int
	}{
		"of many kinds": {`{"apiVersion":"v1","kind":"List","items":[` + node + `,` + node + `]}`, true, 2},
		"of one kind": {
			` {"kind":"NodeList","metadata":{"resourceVersion":"1"},"items":[{"metadata":{}}],"apiVersion":"v1"} ` + "\n", true, 1,
		},
		"empty":               {`{"apiVersion":"v1","kind":"List","items":[]}`, true, 0},
		"no items":            {`{"apiVersion":"v1","kind":"List"}`, false, 0},
		"no list":             {node, false, 0},
		"a kind of that name": {`{"apiVersion":"x/v1","kind":"WishList","metadata":{"name":"a"},"items":[]}`, false, 0},
		"two documents":       {`{"apiVersion":"v1","kind":"List","items":[]}` + node, false, 0},
		"a key twice":         {`{"apiVersion":"v1","kind":"List","items":[],"items":[` + node + `]}`, false, 0},
		"a key in capitals":   {`{"apiVersion":"v1","kind":"List","items":[],"Items":[` + node + `]}`, false, 0},
		"cut off":             {`{"apiVersion":"v1","kind":"List","items":[` + node, false, 0},
		"YAML":                {"apiVersion: v1\nkind: List\nitems: []\n", false, 0},
		"nothing":             {"", false, 0},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			list, whole := splitList([]byte(tc.text))
			if whole != tc.wantWhole || whole && len(list.Items) != tc.wantItems {
				t.Errorf("%d items, a whole list: %v; want %d, %v", len(list.Items), whole, tc.wantItems, tc.wantWhole)
			}
		})
	}
}

// Items are visited in the order in which they are written, up to one that cannot be read, whichever was decoded
// first.
func TestDecodeItemsInOrder(t *testing.T) {
	var items, want []string
	for i := range 40 {
		items = append(items, fmt.Sprintf(`{"apiVersion":"v1","kind":"Node","metadata":{"name":"node-%d"}}`, i))
		want = append(want, fmt.Sprintf("node-%d", i))
	}
	decode := func(items []string) (got []string, err error) {
		err = decodeSnapshot("x.json", []byte(`{"apiVersion":"v1","kind":"List","items":[`+strings.Join(items, ",")+`]}`),
			func(object snapshotObject) error {
				got = append(got, object.typed.(metav1.Object).GetName())
				return nil
			})
		return got, err
	}
	got, err := decode(items)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, objects (-want +got):\n%s", err, diff)
	}
	items[20] = `{"apiVersion":"v1","kind":"Node","metadata":{"name":"x"},"spec":{"unschedulable":"yes"}}`
	items[30] = `{"apiVersion":"v1"}`
	got, err = decode(items)
	if diff := cmp.Diff(want[:20], got); diff != "" {
		t.Errorf("objects before the error (-want +got):\n%s", diff)
	}
	if err == nil || !strings.Contains(err.Error(), "x.json, item 21: Node x: ") {
		t.Errorf("error %v, want one about item 21", err)
	}
}
