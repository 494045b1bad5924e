{{/* Where the module is, for each plugin. */}}
{{- define "meshlane.module" -}}
url: {{ printf "%s/suite:%s" (trimSuffix "/" .Values.registry) (default .Chart.AppVersion .Values.tag) | quote }}
{{- with .Values.digest }}
sha256: {{ trimPrefix "sha256:" . | quote }}
{{- end }}
{{- with .Values.pullSecret }}
imagePullSecret: {{ . | quote }}
{{- end }}
failStrategy: FAIL_OPEN
{{- end }}

{{- define "meshlane.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
