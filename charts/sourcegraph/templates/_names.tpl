{{- define "sourcegraph.name" -}}
{{ default .Chart.Name .Values.sourcegraph.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "sourcegraph.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sourcegraph.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "sourcegraph.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "sourcegraph.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
deploy: sourcegraph
{{- with .Values.sourcegraph.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels of one component's objects. Takes root, key (of the values) and component. */}}
{{- define "sourcegraph.componentLabels" -}}
{{ include "sourcegraph.labels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- with (index .root.Values .key).labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "sourcegraph.serviceAccountName" -}}
{{- $account := .values.serviceAccount | default dict -}}
{{ default .values.name $account.name }}
{{- end }}

{{/* The tag of the application as a whole. */}}
{{- define "sourcegraph.version" -}}
{{- $values := .Values.frontend.image -}}
{{- $default := ternary (tpl .Values.sourcegraph.image.defaultTag .) $values.defaultTag .Values.sourcegraph.image.useGlobalTagAsDefault -}}
{{ default $default $values.tag }}
{{- end }}
