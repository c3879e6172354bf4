{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/* The name that the objects have or begin with. */}}
{{- define "rolecall.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The labels by which pods are found; they never change. */}}
{{- define "rolecall.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* The labels of every object. */}}
{{- define "rolecall.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "rolecall.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: rolecall
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
Labels and annotations of an object's metadata.
Arguments: root, and labels and annotations of its own, which go before.
*/}}
{{- define "rolecall.metadata" -}}
labels:
  {{- $labels := merge (dict) (.labels | default dict) (include "rolecall.labels" .root | fromYaml) }}
  {{- toYaml $labels | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "rolecall.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "rolecall.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "rolecall.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "rolecall.tlsSecretName" -}}
{{- default (printf "%s-tls" (include "rolecall.fullname" .)) .Values.tls.secretName -}}
{{- end -}}

{{/* The ConfigMap that the operator publishes its authority in. */}}
{{- define "rolecall.authorityName" -}}
{{- printf "%s-ca" (include "rolecall.fullname" .) -}}
{{- end -}}

{{/* Something if the certificate is in a Secret that the pods mount. */}}
{{- define "rolecall.mountsCertificate" -}}
{{- if has .Values.tls.source (list "CertManager" "Secret") -}}yes{{- end -}}
{{- end -}}

{{/* http or https. */}}
{{- define "rolecall.scheme" -}}
{{- ternary "http" "https" (eq .Values.tls.source "None") -}}
{{- end -}}

{{/* The names by which clients reach the server, as a YAML list. */}}
{{- define "rolecall.dnsNames" -}}
{{- $names := list -}}
{{- range $service := list "" "-metrics" "-webhook" -}}
{{- $host := printf "%s%s" (include "rolecall.fullname" $) $service -}}
{{- $names = concat $names (list
  $host
  (printf "%s.%s" $host $.Release.Namespace)
  (printf "%s.%s.svc" $host $.Release.Namespace)
  (printf "%s.%s.svc.cluster.local" $host $.Release.Namespace)) -}}
{{- end -}}
{{- toYaml (concat $names .Values.tls.dnsNames | uniq) -}}
{{- end -}}

{{/*
The seconds in a duration as Go writes it (`1m30s`), rounded up. Empty is 0.
*/}}
{{- define "rolecall.seconds" -}}
{{- $milliseconds := 0.0 -}}
{{- $unit := dict "h" 3600000.0 "m" 60000.0 "s" 1000.0 "ms" 1.0 -}}
{{- range regexFindAll "[0-9.]+(ms|h|m|s)" (toString .) -1 -}}
{{- $milliseconds = addf $milliseconds (mulf (regexFind "[0-9.]+" . | float64) (get $unit (regexFind "[a-z]+" .))) -}}
{{- end -}}
{{- divf $milliseconds 1000.0 | ceil | int -}}
{{- end -}}

{{/* The URL of the Service. */}}
{{- define "rolecall.url" -}}
{{- printf "%s://%s.%s.svc:8080" (include "rolecall.scheme" .) (include "rolecall.fullname" .) .Release.Namespace -}}
{{- end -}}

{{/*
The audience of service accounts' tokens, or nothing where they cannot ask: some other
method is configured, and they are not.
*/}}
{{- define "rolecall.audience" -}}
{{- $callers := .Values.config.callers | default dict -}}
{{- if or (empty $callers) (hasKey $callers "serviceAccounts") -}}
{{- dig "serviceAccounts" "audience" "rolecall.dev" $callers -}}
{{- end -}}
{{- end -}}
