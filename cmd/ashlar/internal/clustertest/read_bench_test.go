package clustertest

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

// How long reading a cluster of many nodes takes, before anything is asked of it: from a file that ashlar whatif --save
// wrote, and from an API server that answers at once.
func BenchmarkRead(b *testing.B) {
	for _, nodes := range []int{100, 1000} {
		objects := ManyNodes(b, nodes)
		b.Run(fmt.Sprintf("nodes=%d/from=file", nodes), func(b *testing.B) {
			var text bytes.Buffer
			if err := objects.SaveObjects(&text); err != nil {
				b.Fatal(err)
			}
			name := filepath.Join(b.TempDir(), "cluster.json")
			if err := os.WriteFile(name, text.Bytes(), 0o600); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(text.Len()))
			defer CountCPU(b)()
			for b.Loop() {
				read, err := dryrun.ReadObjectFiles(name, nil)
				checkRead(b, read, err, nodes)
			}
		})
		b.Run(fmt.Sprintf("nodes=%d/from=server", nodes), func(b *testing.B) {
			config := &rest.Config{Host: serveObjects(b, objects), QPS: -1}
			config.ContentType, config.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				b.Fatal(err)
			}
			defer CountCPU(b)()
			for b.Loop() {
				read, err := dryrun.ReadLiveCluster(b.Context(), client)
				checkRead(b, read, err, nodes)
			}
		})
	}
}

func checkRead(b *testing.B, read *dryrun.ClusterObjects, err error, nodes int) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	if len(read.Nodes) != nodes || len(read.Claims) != 4*nodes+1 {
		b.Fatalf("%d nodes and %d claims are read, want %d, %d", len(read.Nodes), len(read.Claims), nodes, 4*nodes+1)
	}
}

// serveObjects serves lists of the objects in the encoding and the pages of an API server, written beforehand.
func serveObjects(b *testing.B, o *dryrun.ClusterObjects) string {
	b.Helper()
	const pageSize = 500
	encoder := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
	pages := map[string][][]byte{}
	addPages := func(path, version, kind string, count int, page func(from, to int) runtime.Object) {
		for from := 0; from == 0 || from < count; from += pageSize {
			to := min(count, from+pageSize)
			list := page(from, to)
			list.GetObjectKind().SetGroupVersionKind(schema.FromAPIVersionAndKind(version, kind))
			if to < count {
				list.(metav1.ListInterface).SetContinue(strconv.Itoa(len(pages[path]) + 1))
			}
			var text bytes.Buffer
			if err := encoder.Encode(list, &text); err != nil {
				b.Fatal(err)
			}
			pages[path] = append(pages[path], text.Bytes())
		}
	}
	addPages("/api/v1/nodes", "v1", "NodeList", len(o.Nodes), func(from, to int) runtime.Object {
		list := &corev1.NodeList{}
		for _, one := range o.Nodes[from:to] {
			list.Items = append(list.Items, *one)
		}
		return list
	})
	addPages("/api/v1/pods", "v1", "PodList", len(o.Pods), func(from, to int) runtime.Object {
		list := &corev1.PodList{}
		for _, one := range o.Pods[from:to] {
			list.Items = append(list.Items, *one)
		}
		return list
	})
	const group = "resource.k8s.io/v1"
	addPages("/apis/"+group+"/resourceslices", group, "ResourceSliceList", len(o.Slices), func(from, to int) runtime.Object {
		list := &resourceapi.ResourceSliceList{}
		for _, one := range o.Slices[from:to] {
			list.Items = append(list.Items, *one)
		}
		return list
	})
	addPages("/apis/"+group+"/resourceclaims", group, "ResourceClaimList", len(o.Claims), func(from, to int) runtime.Object {
		list := &resourceapi.ResourceClaimList{}
		for _, one := range o.Claims[from:to] {
			list.Items = append(list.Items, *one)
		}
		return list
	})
	addPages("/apis/"+group+"/deviceclasses", group, "DeviceClassList", len(o.Classes), func(int, int) runtime.Object {
		list := &resourceapi.DeviceClassList{}
		for _, one := range o.Classes {
			list.Items = append(list.Items, *one)
		}
		return list
	})
	addPages("/apis/"+group+"/resourceclaimtemplates", group, "ResourceClaimTemplateList", 0, func(int, int) runtime.Object {
		return &resourceapi.ResourceClaimTemplateList{}
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own := pages[r.URL.Path]
		at, _ := strconv.Atoi(r.URL.Query().Get("continue")) // none is the first
		if at < 0 || at >= len(own) {
			http.Error(w, "forbidden", http.StatusForbidden) // kinds that a reader does without
			return
		}
		w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
		_, _ = w.Write(own[at]) // a reader that is gone has its own error
	}))
	b.Cleanup(server.Close)
	return server.URL
}
