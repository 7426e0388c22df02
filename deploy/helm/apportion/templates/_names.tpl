{{/* Names and labels, and what values must say together. */}}
{{- define "apportion.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "apportion.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "apportion.labels" -}}
{{ include "apportion.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "apportion.check" -}}
{{- if not .Values.insecure }}
{{- if not .Values.tls.secret }}{{ fail "tls.secret: name a secret with tls.crt and tls.key, or set insecure" }}{{ end }}
{{- if not (or .Values.adminToken.secret .Values.tls.clientCaSecret) }}{{ fail "adminToken.secret: name a secret with a token, or set insecure" }}{{ end }}
{{- end }}
{{- with .Values.cluster }}
{{- if .enabled }}
{{- if not .etcd.members }}{{ fail "cluster.etcd.members: name the members of etcd as host:port" }}{{ end }}
{{- if not .peerTlsSecret }}{{ fail "cluster.peerTlsSecret: nodes take calls of each other over TLS only; name a secret with tls.crt, tls.key and ca.crt" }}{{ end }}
{{- if and .etcd.user (not .etcd.tlsSecret) (not $.Values.insecure) }}{{ fail "cluster.etcd.tlsSecret: the password of cluster.etcd.user would be sent without TLS; name a secret with ca.crt, or set insecure" }}{{ end }}
{{- if and .etcd.user (not .etcd.passwordSecret) }}{{ fail "cluster.etcd.passwordSecret: name a secret with the password of cluster.etcd.user" }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
