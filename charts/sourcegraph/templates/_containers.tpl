{{/* The image of one component: its own tag, else the global one where that is asked for, else its default. */}}
{{- define "sourcegraph.image" -}}
{{- $image := (index .root.Values .key).image -}}
{{- $global := .root.Values.sourcegraph.image -}}
{{- $default := ternary (tpl $global.defaultTag .root) $image.defaultTag $global.useGlobalTagAsDefault -}}
{{ $global.repository }}/{{ $image.name }}:{{ default $default $image.tag }}
{{- end }}

{{/* What every container has. Takes root and key. */}}
{{- define "sourcegraph.container" -}}
{{- $values := index .root.Values .key -}}
image: {{ include "sourcegraph.image" . }}
imagePullPolicy: {{ .root.Values.sourcegraph.image.pullPolicy }}
terminationMessagePolicy: FallbackToLogsOnError
securityContext:
  {{- toYaml $values.containerSecurityContext | nindent 2 }}
{{- if not .root.Values.sourcegraph.localDevMode }}
resources:
  {{- toYaml $values.resources | nindent 2 }}
{{- end }}
{{- end }}

{{- define "sourcegraph.extraEnv" -}}
{{- range $name, $source := (index .root.Values .key).env }}
- name: {{ $name }}
  {{- toYaml $source | nindent 2 }}
{{- end }}
{{- end }}

{{/* The five variables of one external database. Takes secret and prefix. */}}
{{- define "sourcegraph.databaseEnv" -}}
{{- $given := . -}}
{{- range $key := list "database" "host" "password" "port" "user" }}
- name: {{ $given.prefix }}{{ upper $key }}
  valueFrom:
    secretKeyRef:
      name: {{ $given.secret }}
      key: {{ $key }}
{{- end }}
{{- end }}

{{- define "sourcegraph.databasesEnv" -}}
{{ include "sourcegraph.databaseEnv" (dict "prefix" "PG" "secret" .Values.pgsql.auth.existingSecret) }}
{{ include "sourcegraph.databaseEnv" (dict "prefix" "CODEINTEL_PG" "secret" .Values.codeIntelDB.auth.existingSecret) }}
{{ include "sourcegraph.databaseEnv" (dict "prefix" "CODEINSIGHTS_PG" "secret" .Values.codeInsightsDB.auth.existingSecret) }}
{{- end }}

{{- define "sourcegraph.redisEnv" -}}
- name: REDIS_CACHE_ENDPOINT
  valueFrom:
    secretKeyRef:
      name: {{ default .Values.redisCache.name .Values.redisCache.connection.existingSecret }}
      key: endpoint
- name: REDIS_STORE_ENDPOINT
  valueFrom:
    secretKeyRef:
      name: {{ default .Values.redisStore.name .Values.redisStore.connection.existingSecret }}
      key: endpoint
{{- end }}
