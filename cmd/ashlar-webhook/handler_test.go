package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionapi "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/ashlar-dev/ashlar/dra/configapi"
	podadmission "github.com/ashlar-dev/ashlar/plugins/admission"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// requestFor asks for a pod.
func requestFor(t *testing.T, pod string, dryRun bool) admission.Request {
	t.Helper()
	return admission.Request{AdmissionRequest: admissionapi.AdmissionRequest{
		Operation: admissionapi.Create, Namespace: "team", Resource: metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
		Object: runtime.RawExtension{Raw: []byte(pod)}, DryRun: ptr.To(dryRun),
	}}
}

func newHandler(c client.Client) *podHandler {
	return &podHandler{view: &clusterView{reader: c}, options: podadmission.Options{},
		templates: &templateKeeper{client: c, direct: c, age: time.Hour, now: time.Now}}
}

const (
	plainPod = `{"metadata":{"name":"a"},"spec":{"containers":[{"name":"main","resources":{}}]}}`
	sharePod = `{"metadata":{"name":"a","annotations":{"gpu-memory":"2000"}},` +
		`"spec":{"containers":[{"name":"main","resources":{}}],"newField":1}}`
	brokenPod = `{"metadata":{"name":"a","annotations":{"gpu-memory":"2000","gpu-fraction":"0.5"}},"spec":{"containers":[{"name":"main"}]}}`
)

// What the API server is told, and what is made of it.
func TestHandle(t *testing.T) {
	for name, tc := range map[string]struct {
		pod           string
		dryRun        bool
		wantAllowed   bool
		wantPatches   bool
		wantTemplates int
		wantText      string
	}{
		"plain":         {plainPod, false, true, false, 0, ""},
		"share":         {sharePod, false, true, true, 1, ""},
		"dry run":       {sharePod, true, true, true, 0, ""},
		"contradiction": {brokenPod, false, false, false, 0, "gpu-fraction: 0.5 and gpu-memory: 2000 contradict"},
		"no pod":        {`{"spec":[]}`, false, true, false, 0, "left the pod as it was: reading the pod"},
	} {
		t.Run(name, func(t *testing.T) {
			c := fake.NewClientBuilder().WithScheme(scheme.Scheme).Build()
			response := newHandler(c).Handle(t.Context(), requestFor(t, tc.pod, tc.dryRun))
			if response.Allowed != tc.wantAllowed || len(response.Patches) > 0 != tc.wantPatches {
				t.Errorf("allowed %t with patches %v", response.Allowed, response.Patches)
			}
			text := strings.Join(response.Warnings, "\n")
			if response.Result != nil {
				text += response.Result.Message
			}
			if !strings.Contains(text, tc.wantText) {
				t.Errorf("says %q, want %q", text, tc.wantText)
			}
			var made resourceapi.ResourceClaimTemplateList
			if err := c.List(t.Context(), &made, client.InNamespace("team")); err != nil {
				t.Fatal(err)
			}
			if len(made.Items) != tc.wantTemplates {
				t.Errorf("%d templates, want %d", len(made.Items), tc.wantTemplates)
			}
			for _, patch := range response.Patches {
				if strings.Contains(patch.Path, "newField") {
					t.Errorf("a field that is not known here is touched: %v", patch)
				}
			}
		})
	}
}

// A pod is created as it was where a template cannot be made, or the review itself fails.
func TestHandleFailsOpen(t *testing.T) {
	refusing := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithInterceptorFuncs(interceptor.Funcs{
		Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
			return errors.New("quota exceeded")
		},
	}).Build()
	for name, tc := range map[string]struct {
		handler *podHandler
		want    string
	}{
		"template": {newHandler(refusing), "quota exceeded"},
		"panic":    {&podHandler{}, "see its log"},
	} {
		response := tc.handler.Handle(t.Context(), requestFor(t, sharePod, false))
		if !response.Allowed || len(response.Patches) > 0 || !strings.Contains(strings.Join(response.Warnings, ""), tc.want) {
			t.Errorf("%s: allowed %t, patches %v, warnings %q", name, response.Allowed, response.Patches, response.Warnings)
		}
	}
}

// A template that was made here goes once it is old and no pod names it; others stay.
func TestSweepTemplates(t *testing.T) {
	now := time.Now()
	template := func(name, manager string, age time.Duration, wanted string) *resourceapi.ResourceClaimTemplate {
		made := &resourceapi.ResourceClaimTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name,
			CreationTimestamp: metav1.NewTime(now.Add(-age)), Labels: map[string]string{podadmission.ManagedByLabel: manager}}}
		if wanted != "" {
			made.Annotations = map[string]string{wantedAnnotation: wanted}
		}
		return made
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "a"}, Spec: corev1.PodSpec{
		ResourceClaims: []corev1.PodResourceClaim{{Name: "gpus", ResourceClaimTemplateName: ptr.To("named")}}}}
	c := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(pod,
		template("named", podadmission.ManagedBy, 3*time.Hour, ""),
		template("unnamed", podadmission.ManagedBy, 3*time.Hour, ""),
		template("young", podadmission.ManagedBy, time.Minute, ""),
		template("wanted", podadmission.ManagedBy, 3*time.Hour, now.Add(-time.Minute).UTC().Format(time.RFC3339)),
		template("users", "somebody", 3*time.Hour, ""),
	).Build()
	keeper := &templateKeeper{client: c, direct: c, age: time.Hour, now: func() time.Time { return now }}
	if err := keeper.sweepTemplates(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"named": true, "unnamed": false, "young": true, "wanted": true, "users": true} {
		err := c.Get(t.Context(), client.ObjectKey{Namespace: "team", Name: name}, &resourceapi.ResourceClaimTemplate{})
		if (err == nil) != want {
			t.Errorf("%s: %v, want it to be there: %t", name, err, want)
		}
	}
	// One that is wanted again after a while is marked, and one that has gone is made again.
	for _, name := range []string{"named", "unnamed"} {
		if err := keeper.ensureTemplate(t.Context(), template(name, podadmission.ManagedBy, 0, "")); err != nil {
			t.Fatal(err)
		}
		var got resourceapi.ResourceClaimTemplate
		if err := c.Get(t.Context(), client.ObjectKey{Namespace: "team", Name: name}, &got); err != nil {
			t.Fatal(err)
		}
		if age := now.Sub(lastWanted(&got)); name == "named" && age > time.Second {
			t.Errorf("%s was wanted %s ago", name, age)
		}
	}
}

func TestVersionAndUsage(t *testing.T) {
	for _, tc := range []struct {
		arguments  []string
		wantCode   int
		wantOutput string
	}{
		{[]string{"--version"}, exitOK, "ashlar-webhook devel"},
		{[]string{"--port", "0"}, exitUsage, "--port 0: want 1 to 65535"},
		{[]string{"--cert-lifetime", "1s"}, exitUsage, "--cert-lifetime 1s: want 10s or more"},
		{[]string{"extra"}, exitFailed, "unknown command"},
		{[]string{"--kubeconfig", "/does/not/exist"}, exitFailed, "reading credentials"},
	} {
		var output strings.Builder
		code := runCommand(t.Context(), tc.arguments, &output, &output)
		if code != tc.wantCode || !strings.Contains(output.String(), tc.wantOutput) {
			t.Errorf("%v: exit code %d, output %q", tc.arguments, code, output.String())
		}
	}
}

// What is kept of slices is enough to tell sizes, however often it is kept.
func TestSharesAreKept(t *testing.T) {
	device := func(kind, memory string) resourceapi.Device {
		return resourceapi.Device{Name: kind,
			Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{deviceapi.Type: {StringValue: ptr.To(kind)}},
			Capacity:   map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{deviceapi.Memory: {Value: resource.MustParse(memory)}}}
	}
	slice := &resourceapi.ResourceSlice{ObjectMeta: metav1.ObjectMeta{Name: "node"}, Spec: resourceapi.ResourceSliceSpec{
		Driver: deviceapi.Driver, Devices: []resourceapi.Device{device(deviceapi.TypeGPU, "48Gi"), device(deviceapi.TypeShare, "45Gi")}}}
	for range 2 {
		if _, err := keepShares(slice); err != nil {
			t.Fatal(err)
		}
	}
	c := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(slice).Build()
	known := (&clusterView{reader: c}).lookAround(t.Context(), "team")
	if diff := cmp.Diff([]topology.Bytes{45 * topology.GiB}, known.ShareMemory); diff != "" {
		t.Errorf("sizes (-want +got):\n%s", diff)
	}
}

// The configuration of a share under MPS is one that the driver reads.
func TestShareConfigIsTheDrivers(t *testing.T) {
	var pod corev1.Pod
	text := `{"metadata":{"annotations":{"nvidia.com/vgpu-mode":"mps"}},"spec":{"containers":[{"name":"main","resources":{"limits":
		{"nvidia.com/gpu":"1","nvidia.com/gpumem":"3000","nvidia.com/gpucores":"30"}}}]}}`
	if err := json.Unmarshal([]byte(text), &pod); err != nil {
		t.Fatal(err)
	}
	outcome, err := podadmission.ReviewPod(&pod, "team", nil, podadmission.Options{})
	if err != nil {
		t.Fatal(err)
	}
	config, err := configapi.Decode(outcome.Templates[0].Spec.Spec.Devices.Config[0].Opaque.Parameters.Raw)
	if err != nil {
		t.Fatal(err)
	}
	if config.Strategy != configapi.MPS || config.ActiveThreadPercentage != 30 {
		t.Errorf("the driver reads %+v", config)
	}
}
