package cluster

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// auditPolicy writes down who asked for what, without bodies: of a watch when it begins, of
// all else when it is answered.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`

func (c *Cluster) auditPolicyPath() string { return filepath.Join(c.dir, "audit-policy.yaml") }
func (c *Cluster) auditLogPath() string    { return filepath.Join(c.dir, "audit.log") }

func (c *Cluster) writeAuditPolicy() error {
	if err := os.WriteFile(c.auditPolicyPath(), []byte(auditPolicy), 0o600); err != nil {
		return fmt.Errorf("writing the audit policy: %w", err)
	}
	return nil
}

func (c *Cluster) auditFlags() []string {
	return []string{"--audit-policy-file=" + c.auditPolicyPath(), "--audit-log-path=" + c.auditLogPath(), "--audit-log-maxsize=1000"}
}

// AuditedCall is a request that the API server has answered, or of a watch, begun to answer.
type AuditedCall struct {
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	Verb       string `json:"verb"`
	RequestURI string `json:"requestURI"`
	// Object is what was asked for; nil of paths that are no resource.
	Object *struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
		APIGroup    string `json:"apiGroup"`
	} `json:"objectRef"`
	Status struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"responseStatus"`
	// Annotations has authorization.k8s.io/decision, allow or forbid.
	Annotations map[string]string `json:"annotations"`
}

// AuditedCalls returns the requests so far, of a cluster with Options.Audit.
func (c *Cluster) AuditedCalls() ([]AuditedCall, error) {
	file, err := os.Open(c.auditLogPath())
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	defer file.Close()
	var calls []AuditedCall
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return calls, nil // a line without an end is being written
		}
		var call AuditedCall
		if err := json.Unmarshal(line, &call); err != nil {
			return nil, fmt.Errorf("reading the audit log, line %d: %w", len(calls)+1, err)
		}
		calls = append(calls, call)
	}
}

// IsDenied is whether nothing that the caller is bound to allows the request. What admission
// refuses is not meant.
func (a AuditedCall) IsDenied() bool {
	return a.Annotations["authorization.k8s.io/decision"] == "forbid"
}
