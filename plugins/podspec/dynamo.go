package podspec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// dynamoMain is the name of the container in which Dynamo's operator runs a component.
const dynamoMain = "main"

// readDynamoGraph reads a DynamoGraphDeployment: v1alpha1 has its components by name under services,
// v1beta1 in a list with the templates of their pods.
func (r *workloadReader) readDynamoGraph() {
	services, components := r.findNode("spec", "services"), r.findNode("spec", "components")
	if len(itemsOf(components)) == 0 && (services == nil || len(services.Fields) == 0) {
		r.reportError(r.findNode("spec"), "spec: neither services nor components are in it")
		return
	}
	if services != nil {
		for _, service := range services.Fields {
			r.addDynamo(service.Name, joinName(r.object.Name, strings.ToLower(service.Name)), service.Value)
		}
	}
	for _, component := range itemsOf(components) {
		name := component.Field("name").String()
		r.addDynamo(name, joinName(r.object.Name, strings.ToLower(name)), component)
	}
}

// readDynamoComponent reads one component by itself.
func (r *workloadReader) readDynamoComponent() { r.addDynamo("", r.object.Name, r.findNode("spec")) }

// addDynamo adds the pods of a component.
func (r *workloadReader) addDynamo(part, prefix string, n *yamlfile.Node) {
	kind := cmp.Or(n.Field("componentType").String(), n.Field("type").String())
	pod := func() *PodTemplate {
		if template := n.Field("podTemplate"); template != nil {
			return r.decodeTemplate(template, "podTemplate")
		}
		return r.decodeDynamoPod(n)
	}
	start := func() *PodTemplate {
		t := pod()
		if t == nil {
			return nil
		}
		main := slices.IndexFunc(t.Spec.Containers, func(c corev1.Container) bool { return c.Name == dynamoMain })
		if main >= 0 {
			if c := &t.Spec.Containers[main]; kind == "frontend" && len(c.Command) == 0 && len(c.Args) == 0 {
				c.Command = []string{"python3", "-m", "dynamo.frontend"}
			}
			addSharedMemory(&t.Spec, main)
		}
		return t
	}
	templates := []*PodTemplate{start().nameAfter(prefix, 1, -1)}
	if nodes := r.readNumber(n.Field("multinode"), "nodeCount", 1); nodes > 1 {
		templates = []*PodTemplate{
			start().inGroup(prefix, nodes).nameAfter(prefix, 0, 0),
			start().inGroup(prefix, nodes).withCount(nodes-1).nameAfter(prefix, 0, 1).inPart("worker", true),
		}
	}
	w := r.addWorkload(part, r.readNumber(n, "replicas", 1), templates...)
	if scaling := n.Field("autoscaling"); scaling.Field("enabled").String() == "true" {
		least := r.readNumber(scaling, "minReplicas", 1)
		w.Scale = &ScaleRange{Min: least, Max: r.readNumber(scaling, "maxReplicas", max(least, w.Replicas))}
	}
}

// decodeDynamoPod reads a component of v1alpha1: extraPodSpec has the fields of a pod beside its
// mainContainer, and resources are named without a domain.
func (r *workloadReader) decodeDynamoPod(n *yamlfile.Node) *PodTemplate {
	template := &PodTemplate{Line: r.object.Line}
	extra := n.Field("extraPodSpec")
	if extra != nil && extra.Kind == yamlfile.KindMapping {
		template = r.decodePod(extra)
		template.Faults, template.Line = nil, extra.Position.Line
	}
	main := r.decodeContainer(extra.Field("mainContainer"), "extraPodSpec.mainContainer")
	main.Name = dynamoMain
	main.Env = slices.Concat(r.decodeEnv(n.Field("envs"), "envs"), main.Env)
	if name := n.Field("envFromSecret").String(); name != "" {
		secret := corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}
		main.EnvFrom = append(main.EnvFrom, corev1.EnvFromSource{SecretRef: &secret})
	}
	limits := nodeAt(n, "resources", "limits")
	if limits == nil {
		limits = nodeAt(n, "resources", "requests")
	}
	limitGPUs(&main.Resources, cmp.Or(limits.Field("gpuType").String(), deviceapi.GPUResource),
		r.parseAmount(limits.Field("gpu"), "resources.limits.gpu"))
	for _, own := range []string{"requests", "limits"} {
		r.addDynamoAmounts(&main.Resources, own, nodeAt(n, "resources", own))
	}
	template.Spec.Containers = slices.Insert(template.Spec.Containers, 0, main)
	metadata := n.Field("extraPodMetadata")
	return template.withMeta(textMap(metadata.Field("labels")), textMap(metadata.Field("annotations"))).withMeta(
		textMap(n.Field("labels")), textMap(n.Field("annotations")))
}

// addDynamoAmounts adds CPU, memory and resources of other names.
func (r *workloadReader) addDynamoAmounts(into *corev1.ResourceRequirements, which string, n *yamlfile.Node) {
	var fields []yamlfile.Field
	for _, source := range []*yamlfile.Node{n, n.Field("custom")} {
		if source != nil {
			fields = append(fields, source.Fields...)
		}
	}
	list := corev1.ResourceList{}
	for _, field := range fields {
		if slices.Contains([]string{"gpu", "gpuType", "custom"}, field.Name) || !field.Value.IsScalar() {
			continue
		}
		amount, err := resource.ParseQuantity(field.Value.String())
		if err != nil {
			r.reportError(field.Value, "resources.%s.%s: %w", which, field.Name, err)
			return
		}
		list[corev1.ResourceName(field.Name)] = amount
	}
	switch {
	case len(list) == 0:
	case which == "limits":
		into.Limits = overlayMaps(list, into.Limits)
	default:
		into.Requests = overlayMaps(list, into.Requests)
	}
}

// scalesDynamo reports whether an autoscaler scales a component by way of its adapter, which is named
// for graph and component.
func (a *Autoscaler) scalesDynamo(w *Workload) bool {
	return a.TargetKind == "DynamoGraphDeploymentScalingAdapter" && w.Kind == "DynamoGraphDeployment" && a.Namespace == w.Namespace &&
		a.TargetName == fmt.Sprintf("%s-%s", w.Name, strings.ToLower(w.Part))
}
