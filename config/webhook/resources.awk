# SPDX-License-Identifier: Apache-2.0
#
# Makes a Resource of each kind of objects that a cluster serves:
#
#   kubectl api-resources --no-headers -o wide | awk -f config/webhook/resources.awk
#
# kubectl does not list subresources; config/samples/kubernetes-webhook has those of
# the kinds that everybody knows.
{
	for (i = NF; $i != "true" && $i != "false"; i--) # NAMESPACED, after which come KIND and VERBS
		;
	version = $(i - 1)
	verbs = $(i + 2)
	slash = index(version, "/")
	group = slash ? "." substr(version, 1, slash - 1) : ""
	gsub(",", "}, {name: ", verbs)
	printf "---\napiVersion: rolecall.dev/v1alpha1\nkind: Resource\nmetadata: {name: %s}\nspec: {actions: [{name: %s}]}\n", $1 group, verbs
}
