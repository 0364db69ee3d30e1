package dra

import (
	"strings"
	"testing"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// classList is a lister of device classes.
type classList []*resourceapi.DeviceClass

func (l classList) List() ([]*resourceapi.DeviceClass, error) { return l, nil }

func (l classList) Get(name string) (*resourceapi.DeviceClass, error) {
	for _, class := range l {
		if class.Name == name {
			return class, nil
		}
	}
	return nil, errNoClass
}

var _ fwk.DeviceClassLister = classList{}

type missingClass struct{}

func (missingClass) Error() string { return "no such class" }

var errNoClass = missingClass{}

func celSelector(expression string) []resourceapi.DeviceSelector {
	return []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{Expression: expression}}}
}

func TestCheckSelectors(t *testing.T) {
	classes := classList{
		{ObjectMeta: metav1.ObjectMeta{Name: "ours"},
			Spec: resourceapi.DeviceClassSpec{Selectors: celSelector(`device.driver == "gpu.ashlar.dev"`)}},
		{ObjectMeta: metav1.ObjectMeta{Name: "theirs"},
			Spec: resourceapi.DeviceClassSpec{Selectors: celSelector(`device.driver == 'gpu.nvidia.com'`)}},
		{ObjectMeta: metav1.ObjectMeta{Name: "broken"}, Spec: resourceapi.DeviceClassSpec{Selectors: celSelector(`device.`)}},
	}
	for name, tc := range map[string]struct {
		class, expression string
		want              []string // parts of the error, none if there is none
	}{
		"compiles":           {class: "ours", expression: `device.driver == "x"`},
		"class is not there": {class: "none", expression: `device.`},
		"the class's own one": {
			class: "broken", expression: `device.driver == "x"`,
			want: []string{"device class broken: selectors[0], device., does not compile: "},
		},
		"memory as a field": {
			class: "ours", expression: `device.memory >= 80Gi`, want: []string{
				"claim big: request gpu: selectors[0], device.memory >= 80Gi, does not compile: Syntax error: extraneous input 'Gi'",
				`write device.capacity["gpu.ashlar.dev"].memory.compareTo(quantity("79Gi")) >= 0; ` +
					`a GPU of 80GB such as NVIDIA H100 80GB HBM3 has 79.14GiB`,
			},
		},
		"quantities compared by an operator": {
			class: "theirs", expression: `device.capacity["gpu.nvidia.com"].memory < quantity("20Gi")`, want: []string{
				"found no matching overload for '_<_'",
				`write device.capacity["gpu.nvidia.com"].memory.compareTo(quantity("20Gi")) < 0`,
			},
		},
		"memory as a number": {
			class: "ours", expression: `device.capacity["gpu.ashlar.dev"].memory > 30`,
			want: []string{`write device.capacity["gpu.ashlar.dev"].memory.compareTo(quantity("30Gi")) > 0`},
		},
		"memory as text": {
			class: "ours", expression: `device.capacity["gpu.ashlar.dev"].memory.isGreaterThan("30Gi")`,
			want: []string{`write device.capacity["gpu.ashlar.dev"].memory.compareTo(quantity("30Gi")) >= 0`},
		},
		"no comparison": {
			class: "ours", expression: `device.capacity["gpu.ashlar.dev"].memory.compareTo(quantity("30Gi"))`,
			want: []string{"must evaluate to bool", `write device.capacity["gpu.ashlar.dev"].memory.compareTo(quantity("30Gi")) >= 0`},
		},
		"versions compared by an operator": {
			class: "ours", expression: `device.attributes["gpu.ashlar.dev"].cudaComputeCapability >= semver("9.0.0")`,
			want: []string{`write device.attributes["gpu.ashlar.dev"].cudaComputeCapability.compareTo(semver("9.0.0")) >= 0`},
		},
		"version as text": {
			class: "ours", expression: `device.attributes["gpu.ashlar.dev"].cudaComputeCapability.compareTo("8.9") >= 0`,
			want: []string{`write device.attributes["gpu.ashlar.dev"].cudaComputeCapability.compareTo(semver("8.9.0")) >= 0`},
		},
		"attribute as a field": {
			class: "theirs", expression: `device.productName == "x"`, want: []string{`write device.attributes["gpu.nvidia.com"].productName`},
		},
		"attribute without its domain": {
			class: "ours", expression: `device.attributes.productName == "x"`,
			want: []string{`write device.attributes["gpu.ashlar.dev"].productName`},
		},
		"attribute with its domain in one": {
			class: "ours", expression: `device.attributes["gpu.ashlar.dev/productName"] == "x"`,
			want: []string{`write device.attributes["gpu.ashlar.dev"].productName`},
		},
		"one equals sign": {
			class: "ours", expression: `device.driver = "x"`, want: []string{"compare with =="},
		},
		"anything else": {
			class: "ours", expression: `device.driver.startsWith("gpu") and true`,
			want: []string{`a selector that works: device.attributes["gpu.ashlar.dev"]`},
		},
		"on its third line": {
			class: "ours", expression: "device.driver == \"a\" &&\n  device.allowMultipleAllocations &&\n  device.driver > 1",
			want: []string{`&& device.driver > 1, does not compile: found no matching overload for '_>_' applied to '(string, int)' at line 3, column 17`},
		},
		"at the end of a long one": {
			class: "ours", expression: `device.driver in ["` + strings.Repeat(`a", "`, 100) + `b"] && device.driver > 1`,
			want: []string{`: selectors[0], ... "a", "a"`, `b"] && device.driver > 1, does not compile: found no`},
		},
		"nothing": {class: "ours", expression: ``, want: []string{"does not compile: Syntax error"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Source{expressions: newExpressions()}
			claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Name: "big"}}
			claim.Spec.Devices.Requests = []resourceapi.DeviceRequest{{
				Name: "gpu", Exactly: &resourceapi.ExactDeviceRequest{DeviceClassName: tc.class, Selectors: celSelector(tc.expression)},
			}}
			preferred := claim.DeepCopy()
			preferred.Spec.Devices.Requests[0] = resourceapi.DeviceRequest{Name: "gpu", FirstAvailable: []resourceapi.DeviceSubRequest{
				{Name: "first", DeviceClassName: tc.class, Selectors: celSelector(tc.expression)},
			}}
			for _, c := range []*resourceapi.ResourceClaim{claim, preferred} {
				err := s.checkSelectors([]*resourceapi.ResourceClaim{c}, classes)
				if (err != nil) != (len(tc.want) > 0) {
					t.Fatalf("error %v, want one: %t", err, len(tc.want) > 0)
				}
				for _, want := range tc.want {
					if c == preferred {
						want = strings.Replace(want, "request gpu:", "request gpu/first:", 1)
					}
					if !strings.Contains(err.Error(), want) {
						t.Errorf("got\n%v\nwant it to contain\n%s", err, want)
					}
				}
				if err != nil && strings.ContainsAny(err.Error(), "\n") {
					t.Errorf("%q has several lines", err)
				}
			}
		})
	}
}

func TestMemoryOnOffer(t *testing.T) {
	for amount, want := range map[string][2]string{
		"80Gi":  {"79Gi", "; a GPU of 80GB such as NVIDIA H100 80GB HBM3 has 79.14GiB"},
		"141Gi": {"139Gi", "; a GPU of 141GB such as NVIDIA H200 NVL has 139.72GiB"},
		"10Gi":  {"10Gi", ""}, "80G": {"80G", ""}, "81Gi": {"81Gi", ""}, "0": {"0", ""}, "-80Gi": {"-80Gi", ""}, "many": {"many", ""},
	} {
		if advised, hint := memoryOnOffer(amount); advised != want[0] || hint != want[1] {
			t.Errorf("%s: got %q %q, want %q", amount, advised, hint, want)
		}
	}
}
