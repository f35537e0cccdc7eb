{{/* A Deployment and its service for a component without a disk of its own. Takes root, key, component, ports and databases. */}}
{{- define "sourcegraph.statelessDeployment" -}}
{{- $values := index .root.Values .key -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $values.name }}
  labels:
    {{- include "sourcegraph.componentLabels" . | nindent 4 }}
spec:
  replicas: {{ $values.replicaCount }}
  minReadySeconds: 10
  revisionHistoryLimit: {{ .root.Values.sourcegraph.revisionHistoryLimit }}
  selector:
    matchLabels:
      {{- include "sourcegraph.selectorLabels" .root | nindent 6 }}
      app: {{ .component }}
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 1}
  template:
    metadata:
      {{- include "sourcegraph.podMetadata" (merge (dict "app" .component) .) | nindent 6 }}
    spec:
      {{- include "sourcegraph.placement" . | nindent 6 }}
      containers:
      - name: {{ .component }}
        {{- include "sourcegraph.container" . | nindent 8 }}
        env:
        {{- if .databases }}
        {{- include "sourcegraph.databasesEnv" .root | nindent 8 }}
        {{- include "sourcegraph.redisEnv" .root | nindent 8 }}
        {{- end }}
        - name: POD_NAME
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        {{- include "sourcegraph.extraEnv" . | nindent 8 }}
        ports:
        {{- range $name, $port := .ports }}
        - {name: {{ $name }}, containerPort: {{ $port.port }}}
        {{- end }}
        volumeMounts:
        - {name: tmpdir, mountPath: /tmp}
        {{- with $values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $values.extraContainers }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
      volumes:
      - name: tmpdir
        emptyDir: {}
      {{- with $values.extraVolumes }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
{{ include "sourcegraph.service" (merge (dict "name" $values.name "app" .component) .) }}
{{ include "sourcegraph.serviceAccount" . }}
{{- end }}

{{/* A StatefulSet, its headless service and its claim template. Takes root, key, component, volume, mount, ports and second. */}}
{{- define "sourcegraph.statefulSet" -}}
{{- $values := index .root.Values .key -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $values.name }}
  labels:
    {{- include "sourcegraph.componentLabels" . | nindent 4 }}
spec:
  replicas: {{ $values.replicaCount }}
  revisionHistoryLimit: {{ .root.Values.sourcegraph.revisionHistoryLimit }}
  selector:
    matchLabels:
      {{- include "sourcegraph.selectorLabels" .root | nindent 6 }}
      app: {{ .component }}
  serviceName: {{ .component }}
  updateStrategy:
    type: RollingUpdate
  template:
    metadata:
      {{- include "sourcegraph.podMetadata" (merge (dict "app" .component) .) | nindent 6 }}
    spec:
      {{- include "sourcegraph.placement" . | nindent 6 }}
      containers:
      - name: {{ .container }}
        {{- include "sourcegraph.container" . | nindent 8 }}
        env:
        - name: POD_NAME
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        {{- if .redis }}
        {{- include "sourcegraph.redisEnv" .root | nindent 8 }}
        {{- end }}
        {{- include "sourcegraph.extraEnv" . | nindent 8 }}
        ports:
        {{- range $name, $port := .ports }}
        - {name: {{ $name }}, containerPort: {{ $port.port }}}
        {{- end }}
        volumeMounts:
        - {name: {{ .volume }}, mountPath: {{ .mount }}}
        - {name: tmpdir, mountPath: /tmp}
        {{- with $values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .second }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with $values.extraContainers }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
      volumes:
      - name: tmpdir
        emptyDir: {}
      {{- with $values.extraVolumes }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
  volumeClaimTemplates:
  - metadata:
      name: {{ .volume }}
      labels:
        deploy: sourcegraph
    spec:
      {{- include "sourcegraph.claimSpec" (dict "root" .root "size" $values.storageSize) | nindent 6 }}
{{ include "sourcegraph.service" (merge (dict "name" .component "app" .component "headless" true) .) }}
{{ include "sourcegraph.serviceAccount" . }}
{{- end }}
