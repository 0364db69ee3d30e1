package dryrun

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// boundText is a pod on node n0 with more of its metadata and status.
func boundText(name, metadata, phase string) string {
	return fmt.Sprintf("---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: default%s}\n"+
		"spec: {nodeName: n0, schedulerName: ashlar-scheduler, containers: [{name: c, image: i}]}\nstatus: {phase: %s}\n", name, metadata, phase)
}

// Draining seeks places for the pods that would be made anew somewhere else, and says which others
// there are.
func TestDrainMovesWhatIsMadeAnew(t *testing.T) {
	owner := func(kind string) string {
		return fmt.Sprintf(", ownerReferences: [{apiVersion: apps/v1, kind: %s, name: o, uid: u, controller: true}]", kind)
	}
	const deleted = ", deletionTimestamp: '2026-01-02T03:04:05Z'"
	cluster := clusterFrom(t, nodeText("n0", 10), nodeText("n1", 10),
		boundText("old", owner("ReplicaSet")+deleted, "Running"), boundText("kept", owner("ReplicaSet"), "Running"),
		boundText("agent", owner("DaemonSet"), "Running"), boundText("static", ", annotations: {kubernetes.io/config.mirror: x}", "Running"),
		boundText("web-0", owner("StatefulSet")+deleted, "Running"), boundText("ended", owner("Job"), "Succeeded"))
	answer, q := answerTo(t, cluster, "", "n0")
	if diff := cmp.Diff([]string{"kept on n1"}, describePods(answer)); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}
	notes := slices.DeleteFunc(answer.NotesFor(cluster, q), func(note string) bool { return !strings.HasPrefix(note, "not moved: ") })
	want := []string{
		"not moved: old: pods that are being deleted already are left alone",
		"not moved: agent: pods of a DaemonSet stay on their node",
		"not moved: static: static pods stay on their node",
		"not moved: web-0: pods that are being deleted are left alone; " +
			"the StatefulSet makes this one anew once it is gone, which was not asked about",
		"not moved: ended: pods that have ended need no other place",
	}
	if diff := cmp.Diff(want, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// A pod whose claim is not in the snapshot waits, and the others of its node are moved.
func TestDrainWithoutClaims(t *testing.T) {
	claims := "---\napiVersion: v1\nkind: Pod\nmetadata: {name: claims, namespace: default}\n" +
		"spec: {nodeName: n0, schedulerName: ashlar-scheduler, resourceClaims: [{name: g, resourceClaimTemplateName: t}], " +
		"containers: [{name: c, image: i}]}\n" +
		"status: {phase: Running, resourceClaimStatuses: [{name: g, resourceClaimName: gone}]}\n"
	cluster := clusterFrom(t, gpuClasses, nodeText("n0", 10), nodeText("n1", 10), claims, boundText("other", "", "Running"))
	answer, _ := answerTo(t, cluster, "", "n0")
	want := []string{"claims waits: its claim gone is not in the snapshot: take it anew, with resourceclaims", "other on n1"}
	if diff := cmp.Diff(want, describePods(answer)); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}
}
