{{- define "gvDetails" -}}
{{- $gv := . }}
## {{ .GroupVersionString }}

Kinds:
{{- range $i, $kind := .SortedKinds }}{{ if $i }},{{ end }} {{ $gv.TypeForKind $kind | markdownRenderTypeLink }}{{ end }}.
{{ range .SortedKinds }}{{ with $gv.TypeForKind . }}{{ template "type" . }}{{ end }}{{ end }}
{{- range .SortedTypes }}{{ if and (not .GVK) (markdownShouldRenderType .) }}{{ template "type" . }}{{ end }}{{ end }}
{{- end -}}
