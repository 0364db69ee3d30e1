package inprocess

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

// endOfList tells a watch that asked for it that it has seen all objects that there are.
const endOfList = `{"type":"BOOKMARK","object":{"apiVersion":"scheduling.x-k8s.io/v1alpha1","kind":"PodGroup",` +
	`"metadata":{"resourceVersion":"1","annotations":{"k8s.io/initial-events-end":"true"}}}}` + "\n"

// servePodGroups serves a list of PodGroups that stays as it is.
func servePodGroups(groups ...v1alpha1.PodGroup) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Has("watch") {
			if r.URL.Query().Get("sendInitialEvents") == "true" {
				for i := range groups {
					if err := json.NewEncoder(w).Encode(map[string]any{"type": "ADDED", "object": &groups[i]}); err != nil {
						return
					}
				}
			}
			if _, err := io.WriteString(w, endOfList); err != nil {
				return
			}
			if flusher, ok := w.(http.Flusher); ok {
				flusher.Flush()
			}
			<-r.Context().Done()
			return
		}
		list := &v1alpha1.PodGroupList{
			TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "PodGroupList"},
			ListMeta: metav1.ListMeta{ResourceVersion: "1"},
			Items:    append([]v1alpha1.PodGroup{}, groups...),
		}
		if err := json.NewEncoder(w).Encode(list); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
}

// gangName is the PodGroup of all pods.
const gangName = "gang"

// newGang is a PodGroup of so many pods that start together.
func newGang(namespace string, pods int) v1alpha1.PodGroup {
	return v1alpha1.PodGroup{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "PodGroup"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: gangName, UID: gangName, ResourceVersion: "1", CreationTimestamp: metav1.Now(),
		},
		Spec: v1alpha1.PodGroupSpec{MinMember: int32(pods)},
	}
}
