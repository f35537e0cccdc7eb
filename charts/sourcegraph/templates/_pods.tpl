{{/* Metadata of a pod template. Takes root, key and app. */}}
{{- define "sourcegraph.podMetadata" -}}
{{- $values := index .root.Values .key -}}
labels:
  {{- include "sourcegraph.selectorLabels" .root | nindent 2 }}
  app: {{ .app }}
  deploy: sourcegraph
  {{- with merge (dict) ($values.podLabels | default dict) .root.Values.sourcegraph.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) ($values.podAnnotations | default dict) .root.Values.sourcegraph.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where and as whom a pod runs. Takes root and key. */}}
{{- define "sourcegraph.placement" -}}
{{- $values := index .root.Values .key -}}
{{- $global := .root.Values.sourcegraph -}}
{{- $account := $values.serviceAccount | default dict -}}
{{- if or $account.create $account.name }}
serviceAccountName: {{ include "sourcegraph.serviceAccountName" (dict "values" $values) }}
{{- end }}
{{- with $values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $global.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with default $global.nodeSelector $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with default $global.affinity $values.affinity }}
affinity:
  {{- tpl (toYaml .) $.root | nindent 2 }}
{{- end }}
{{- with default $global.tolerations $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* One claim, as an object of its own or inside volumeClaimTemplates. Takes root and size. */}}
{{- define "sourcegraph.claimSpec" -}}
accessModes:
- ReadWriteOnce
resources:
  requests:
    storage: {{ .size }}
{{- with .root.Values.storageClass.name }}
storageClassName: {{ . }}
{{- end }}
{{- end }}

{{/* A service account, where the component makes its own. Takes root, key and component. */}}
{{- define "sourcegraph.serviceAccount" -}}
{{- $values := index .root.Values .key -}}
{{- if ($values.serviceAccount | default dict).create }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "sourcegraph.serviceAccountName" (dict "values" $values) }}
  labels:
    {{- include "sourcegraph.componentLabels" . | nindent 4 }}
  {{- with $values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* A service in front of one component. Takes root, key, component, name, app, ports (name to {port, target}) and headless. */}}
{{- define "sourcegraph.service" -}}
{{- $values := index .root.Values .key -}}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  labels:
    {{- include "sourcegraph.componentLabels" . | nindent 4 }}
    app: {{ .app }}
    {{- with merge (dict) ($values.serviceLabels | default dict) .root.Values.sourcegraph.serviceLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $values.serviceAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ default "ClusterIP" $values.serviceType }}
  {{- if .headless }}
  clusterIP: None
  {{- end }}
  ports:
  {{- range $name, $port := .ports }}
  - name: {{ $name }}
    port: {{ $port.port }}
    targetPort: {{ default $name $port.target }}
  {{- end }}
  selector:
    {{- include "sourcegraph.selectorLabels" .root | nindent 4 }}
    app: {{ .app }}
{{- end }}
