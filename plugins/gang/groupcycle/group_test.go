package groupcycle

import (
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Members that come in one cycle see those that have their place among the assigned ones; a group whose members
// have cycles of their own is read anew for each.
func TestNoteArrived(t *testing.T) {
	pod := func(name string) *v1.Pod {
		return &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}}
	}
	first, second, third := pod("first"), pod("second"), pod("third")
	for name, tc := range map[string]struct {
		oneCycle                  bool
		arrive                    []*v1.Pod
		pending, assigned, needed int
	}{
		"nobody":              {true, nil, 3, 0, 2},
		"one":                 {true, []*v1.Pod{first}, 2, 1, 1},
		"enough":              {true, []*v1.Pod{second, first}, 1, 2, 0},
		"one, reserved twice": {true, []*v1.Pod{first, first}, 2, 1, 1},
		"in its own cycle":    {false, []*v1.Pod{first}, 3, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			all := []*v1.Pod{first, second, third}
			group := &Group{MinMember: 2, Pending: all, OneCycle: tc.oneCycle}
			group.NoteSent(func() string { return "" })
			for _, one := range tc.arrive {
				group.NoteArrived(one)
			}
			if len(group.Pending) != tc.pending || len(group.Assigned) != tc.assigned || group.Needed() != tc.needed {
				t.Errorf("%d wait, %d have a place, %d are needed; want %d, %d, %d", len(group.Pending), len(group.Assigned), group.Needed(),
					tc.pending, tc.assigned, tc.needed)
			}
			if refused := group.TakeRefused() != nil; refused != (len(tc.arrive) == 0) {
				t.Errorf("the one that was sent counts as refused: %t", refused)
			}
			if all[0] != first || all[2] != third {
				t.Error("the list that the group was given has changed")
			}
		})
	}
}
