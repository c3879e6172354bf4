{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/*
The server's configuration file: what the chart knows, and beside it `config` of
the values. Neither says what the other does: templates/validate.yaml sees to it.
*/}}
{{- define "rolecall.configuration" -}}
{{- $listener := dict -}}
{{- if ne .Values.tls.source "None" -}}
{{- $listener = dict "tls" (dict "certFile" "/tls/tls.crt" "keyFile" "/tls/tls.key") -}}
{{- end -}}
{{- $known := dict
  "apiVersion" "config.rolecall.dev/v1alpha1"
  "kind" "ServerConfiguration"
  "http" (merge (dict "bindAddress" ":8080") $listener)
  "grpc" (merge (dict "bindAddress" ":9090") $listener)
  "health" (dict "bindAddress" ":8081")
  "metrics" (merge (dict "bindAddress" ":8443") $listener)
  "leaderElection" (dict "name" (include "rolecall.fullname" .))
-}}
{{- with .Values.watchNamespaces -}}
{{- $known = set $known "namespaces" . -}}
{{- end -}}
{{- toYaml (merge $known (deepCopy .Values.config)) -}}
{{- end -}}
