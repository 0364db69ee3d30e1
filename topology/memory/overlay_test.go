package memory

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every field of a launch is laid over another's, but for the engine and its version.
func TestOverlayTakesEveryField(t *testing.T) {
	kind := reflect.TypeFor[Launch]()
	for i := range kind.NumField() {
		name := kind.Field(i).Name
		t.Run(name, func(t *testing.T) {
			var got, over, want Launch
			set := func(l *Launch) {
				switch field := reflect.ValueOf(l).Elem().Field(i); field.Kind() {
				case reflect.Bool:
					field.SetBool(true)
				case reflect.Int64, reflect.Int8:
					field.SetInt(2)
				case reflect.Float64:
					field.SetFloat(0.5)
				case reflect.String:
					field.SetString("other")
				case reflect.Slice:
					field.Set(reflect.ValueOf([]int64{1, 2}))
				case reflect.Struct: // the version
				default:
					t.Fatalf("a field of kind %s", field.Kind())
				}
			}
			set(&over)
			if name != "Engine" && name != "Version" {
				set(&want)
			}
			got.Overlay(&over)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("laid over nothing (-want +got):\n%s", diff)
			}
			want = over
			over = Launch{}
			got = want
			got.Overlay(&over)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("nothing laid over it (-want +got):\n%s", diff)
			}
		})
	}
}
