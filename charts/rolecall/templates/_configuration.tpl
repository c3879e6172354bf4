{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/*
The server's configuration file: what the chart knows, and beside it `config` of
the values. Neither says what the other does: templates/validate.yaml sees to it.
*/}}
{{- define "rolecall.configuration" -}}
{{- $fullname := include "rolecall.fullname" . -}}
{{- $listener := dict -}}
{{- if eq .Values.tls.source "Generated" -}}
{{- $listener = dict "tls" (dict "generated" true) -}}
{{- else if include "rolecall.mountsCertificate" . -}}
{{- $listener = dict "tls" (dict "certFile" "/tls/tls.crt" "keyFile" "/tls/tls.key") -}}
{{- end -}}
{{- $known := dict
  "apiVersion" "config.rolecall.dev/v1alpha1"
  "kind" "ServerConfiguration"
  "http" (merge (dict "bindAddress" ":8080") $listener)
  "grpc" (merge (dict "bindAddress" ":9090") $listener)
  "health" (dict "bindAddress" ":8081")
  "metrics" (merge (dict "bindAddress" ":8443" "anonymous" .Values.metrics.anonymous) $listener)
  "leaderElection" (dict "name" $fullname)
-}}
{{- if eq .Values.tls.source "Generated" -}}
{{- $certificates := dict
  "secretName" (include "rolecall.tlsSecretName" .)
  "configMapName" (include "rolecall.authorityName" .)
  "dnsNames" (include "rolecall.dnsNames" . | fromYamlArray)
-}}
{{- $known = set $known "certificates" $certificates -}}
{{- end -}}
{{- with .Values.admission.webhook -}}
{{- if .enabled -}}
{{- $known = set $known "admission" (merge (dict "bindAddress" ":9443" "webhookConfigurationName" $fullname "refuse" .refuse) $listener) -}}
{{- end -}}
{{- end -}}
{{- with .Values.watchNamespaces -}}
{{- $known = set $known "namespaces" . -}}
{{- end -}}
{{- toYaml (merge $known (deepCopy .Values.config)) -}}
{{- end -}}
