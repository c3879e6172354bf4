{{- define "gvList" -}}
<!-- Generated from the Go types by `make generate`. Do not edit. -->

# {{ markdownTemplateValue "title" }}

{{ markdownTemplateValue "intro" }}
{{ range . }}{{ template "gvDetails" . }}{{ end }}
{{- end -}}
