{{/* Labels of every object of a component: (dict "root" . "component" "ashlar-scheduler"). */}}
{{- define "ashlar.labels" -}}
app.kubernetes.io/name: {{ .component }}
app.kubernetes.io/part-of: ashlar
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{- end }}

{{/* Image of a program: (dict "root" . "name" "ashlar-scheduler"). */}}
{{- define "ashlar.image" -}}
{{ .root.Values.image.registry }}/{{ .name }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{/* Whether an object of the cluster is another's than this release's: (list . "apiVersion" "kind" "name"). */}}
{{- define "ashlar.foreign" -}}
{{- $root := index . 0 }}
{{- with lookup (index . 1) (index . 2) "" (index . 3) }}
{{- $owner := .metadata.annotations | default dict }}
{{- if or (ne (index $owner "meta.helm.sh/release-name" | default "") $root.Release.Name) (ne (index $owner "meta.helm.sh/release-namespace" | default "") $root.Release.Namespace) }}true{{ end }}
{{- end }}
{{- end }}
