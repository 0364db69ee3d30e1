package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// doctorCheck is a check in the JSON of ashlar doctor.
type doctorCheck struct {
	Check, Status, Summary string
	Findings               []struct{ Severity, Object, Cause, Remedy string }
}

// runDoctor runs ashlar doctor and returns its checks by name, and its exit code.
func runDoctor(s *space) (map[string]doctorCheck, int) {
	s.t.Helper()
	binaries := world.cluster.Binaries()
	if err := binaries.Ensure(s.ctx, nil, "ashlar"); err != nil {
		s.t.Fatal(err)
	}
	command := exec.CommandContext(s.ctx, binaries.Command("ashlar"), "doctor", "--kubeconfig", world.cluster.Kubeconfig(), "-o", "json")
	var problems bytes.Buffer
	command.Stderr = &problems
	out, err := command.Output()
	code := 0
	if exit := (&exec.ExitError{}); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		s.t.Fatal(err)
	}
	var report struct{ Checks []doctorCheck }
	if err := json.Unmarshal(out, &report); err != nil {
		s.t.Fatalf("%v: %s%s", err, out, &problems)
	}
	checks := map[string]doctorCheck{}
	for _, check := range report.Checks {
		checks[check.Check] = check
	}
	return checks, code
}

// What doctor says of a real API server: its features and the scheduler's lease are well, and a pod with a
// misspelt schedulerName is found.
func TestDoctor(t *testing.T) {
	s := newSpace(t)
	checks, _ := runDoctor(s)
	for _, name := range []string{"API server", "scheduler", "DeviceClasses", "ResourceSlices", "double allocations", "webhook"} {
		if check := checks[name]; check.Status != "ok" {
			t.Errorf("%s: %s: %s %+v", name, check.Status, check.Summary, check.Findings)
		}
	}
	for name, check := range checks {
		if check.Status == "not checked" {
			t.Errorf("%s was not checked: %s", name, check.Summary)
		}
	}
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "misspelt", Namespace: s.name},
		Spec: v1.PodSpec{
			SchedulerName: "ashlar-schedular", Containers: []v1.Container{{Name: "main", Image: "registry.k8s.io/pause:3.10"}},
		},
	}
	if _, err := world.client.CoreV1().Pods(s.name).Create(s.ctx, pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	checks, code := runDoctor(s)
	found := slices.ContainsFunc(checks["schedulerName"].Findings, func(f struct{ Severity, Object, Cause, Remedy string }) bool {
		return f.Object == "Pod/"+s.name+"/misspelt"
	})
	if !found || code != 3 {
		t.Errorf("exit code %d, findings %+v", code, checks["schedulerName"].Findings)
	}
}
