package ui

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

// fakeAPIServer lists and watches in the protocol of the API server: objects are made as they are
// sent, so that a thousand nodes with all their devices take no memory in the test.
type fakeAPIServer struct {
	*httptest.Server
	// each calls with every object of a resource.
	each map[string]func(send func(runtime.Object))

	mu       sync.Mutex
	watchers map[string][]chan runtime.Object
}

var emptyLists = map[string]runtime.Object{
	"nodes": &corev1.NodeList{}, "pods": &corev1.PodList{}, "deviceclasses": &resourceapi.DeviceClassList{},
	"resourceslices": &resourceapi.ResourceSliceList{}, "resourceclaims": &resourceapi.ResourceClaimList{},
}

func startAPIServer(t testing.TB, each map[string]func(send func(runtime.Object))) *fakeAPIServer {
	t.Helper()
	f := &fakeAPIServer{each: each, watchers: map[string][]chan runtime.Object{}}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.CloseClientConnections)
	return f
}

// kubeconfig is a file that names the server.
func (f *fakeAPIServer) kubeconfig(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: big\nclusters: [{name: c, cluster: {server: %q}}]\n"+
		"contexts: [{name: big, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n", f.URL)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// change tells watchers of an object that was changed.
func (f *fakeAPIServer) change(kind string, object runtime.Object) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, watcher := range f.watchers[kind] {
		watcher <- object
	}
}

func (f *fakeAPIServer) serve(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.URL.Path, "/")
	kind := parts[len(parts)-1]
	list, known := emptyLists[kind]
	if !known {
		http.NotFound(w, r)
		return
	}
	info, _ := runtime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), runtime.ContentTypeProtobuf)
	codec := scheme.Codecs.EncoderForVersion(info.Serializer, scheme.Scheme.PrioritizedVersionsForGroup("")[0])
	if strings.Contains(r.URL.Path, "resource.k8s.io") {
		codec = scheme.Codecs.EncoderForVersion(info.Serializer, resourceapi.SchemeGroupVersion)
	}
	w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
	if r.URL.Query().Get("watch") == "" { // only whether it may be listed is asked
		_ = codec.Encode(list, w)
		return
	}
	w.Header().Set("Content-Type", runtime.ContentTypeProtobuf+";stream=watch")
	changes := make(chan runtime.Object, 100)
	f.mu.Lock()
	f.watchers[kind] = append(f.watchers[kind], changes)
	f.mu.Unlock()
	frames := info.StreamSerializer.NewFrameWriter(w)
	version := 1
	send := func(event string, object runtime.Object) {
		version++
		accessor, _ := meta.Accessor(object)
		accessor.SetResourceVersion(fmt.Sprint(version))
		raw, err := runtime.Encode(codec, object)
		if err != nil {
			panic(err)
		}
		frame := metav1.WatchEvent{Type: event, Object: runtime.RawExtension{Raw: raw}}
		if err := info.StreamSerializer.Encode(&frame, frames); err != nil {
			return // whoever watched is gone
		}
	}
	if each := f.each[kind]; each != nil {
		each(func(object runtime.Object) { send("ADDED", object) })
	}
	bookmark := map[string]runtime.Object{
		"nodes": &corev1.Node{}, "pods": &corev1.Pod{}, "deviceclasses": &resourceapi.DeviceClass{},
		"resourceslices": &resourceapi.ResourceSlice{}, "resourceclaims": &resourceapi.ResourceClaim{},
	}[kind]
	accessor, _ := meta.Accessor(bookmark)
	accessor.SetAnnotations(map[string]string{metav1.InitialEventsAnnotationKey: "true"})
	send("BOOKMARK", bookmark)
	control := http.NewResponseController(w)
	for {
		_ = control.Flush()
		select {
		case object := <-changes:
			send("MODIFIED", object)
		case <-r.Context().Done():
			return
		}
	}
}
