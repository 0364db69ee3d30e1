package apiserver

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery/fake"
	ktesting "k8s.io/client-go/testing"
)

func TestDiscoverServer(t *testing.T) {
	const groupVersion = "resource.k8s.io/v1"
	list := func(names ...string) *metav1.APIResourceList {
		found := &metav1.APIResourceList{GroupVersion: groupVersion}
		for _, name := range names {
			found.APIResources = append(found.APIResources, metav1.APIResource{Name: name})
		}
		return found
	}
	served := func(names ...string) Server {
		server := Server{Version: "v1.37.2", Served: map[string]bool{}}
		for _, name := range names {
			server.Served[groupVersion+"/"+name] = true
		}
		return server
	}
	for name, tc := range map[string]struct {
		resources []*metav1.APIResourceList
		refuse    error
		want      Server
		wantError string
	}{
		"served":     {resources: []*metav1.APIResourceList{list("devicetaintrules")}, want: served("devicetaintrules")},
		"not served": {resources: []*metav1.APIResourceList{list("resourceclaims")}, want: served("resourceclaims")},
		"no group":   {want: served()},
		"silent":     {refuse: errors.New("connection refused"), wantError: "asking the API server for its version: connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			client := &fake.FakeDiscovery{Fake: &ktesting.Fake{Resources: tc.resources}, FakedServerVersion: &version.Info{GitVersion: "v1.37.2"}}
			if tc.refuse != nil {
				client.PrependReactor("*", "*", func(ktesting.Action) (bool, runtime.Object, error) { return true, nil, tc.refuse })
			}
			got, err := DiscoverServer(t.Context(), client, WatchedFeatures())
			if tc.wantError != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantError) {
					t.Errorf("error %v, want %q", err, tc.wantError)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
