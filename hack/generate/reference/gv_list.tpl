{{- define "gvList" -}}
<!-- Generated from the Go types by `make generate`. Do not edit. -->

# Object reference

Every field of every object. `kubectl explain` shows the same texts, for example
`kubectl explain roles.rolecall.dev.spec`.
{{ range . }}
{{ template "gvDetails" . }}
{{- end }}
{{- end -}}
