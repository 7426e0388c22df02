// What the chart becomes: for each file in ci/, every object is one that Kubernetes knows, field by field, and says what it should.
package check

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const directory = "../apportion"

// serviceMonitor is what the operator of Prometheus knows of a ServiceMonitor, as far as the chart uses it.
type serviceMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		JobLabel  string               `json:"jobLabel"`
		Selector  metav1.LabelSelector `json:"selector"`
		Endpoints []struct {
			Port     string `json:"port"`
			Path     string `json:"path"`
			Interval string `json:"interval"`
		} `json:"endpoints"`
	} `json:"spec"`
}

// objects are what the chart becomes with some values.
type objects struct {
	sets     []appsv1.StatefulSet
	services []corev1.Service
	budgets  []policyv1.PodDisruptionBudget
	policies []networkingv1.NetworkPolicy
	monitors []serviceMonitor
}

func load(t *testing.T) *chart.Chart {
	t.Helper()
	loaded, err := loader.Load(directory)
	if err != nil {
		t.Fatal(err)
	}
	if err := loaded.Validate(); err != nil {
		t.Fatal(err)
	}
	return loaded
}

func render(t *testing.T, values map[string]any) (map[string]string, error) {
	t.Helper()
	loaded := load(t)
	release := chartutil.ReleaseOptions{Name: "try", Namespace: "limits", IsInstall: true, Revision: 1}
	all, err := chartutil.ToRenderValues(loaded, values, release, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Engine{Strict: true}.Render(loaded, all)
}

// decode reads one document strictly: an unknown field, or one that is there twice, is a fault.
func decode[T any](t *testing.T, document string, into *[]T) {
	t.Helper()
	var object T
	if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
		t.Fatalf("%v in:\n%s", err, document)
	}
	*into = append(*into, object)
}

func read(t *testing.T, values map[string]any) objects {
	t.Helper()
	files, err := render(t, values)
	if err != nil {
		t.Fatal(err)
	}
	var found objects
	for name, text := range files {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		for _, document := range strings.Split("\n"+text, "\n---\n") {
			if strings.TrimSpace(document) == "" {
				continue
			}
			var kind metav1.TypeMeta
			if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
				t.Fatalf("%s: %v in:\n%s", name, err, document)
			}
			switch kind.APIVersion + " " + kind.Kind {
			case "apps/v1 StatefulSet":
				decode(t, document, &found.sets)
			case "v1 Service":
				decode(t, document, &found.services)
			case "policy/v1 PodDisruptionBudget":
				decode(t, document, &found.budgets)
			case "networking.k8s.io/v1 NetworkPolicy":
				decode(t, document, &found.policies)
			case "monitoring.coreos.com/v1 ServiceMonitor":
				decode(t, document, &found.monitors)
			default:
				t.Fatalf("%s: unexpected %+v in:\n%s", name, kind, document)
			}
		}
	}
	return found
}

func values(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(directory, "ci", name))
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// environment is the environment of the only container of the only set.
func environment(t *testing.T, found objects) map[string]string {
	t.Helper()
	environment := map[string]string{}
	for _, variable := range container(t, found).Env {
		if _, twice := environment[variable.Name]; twice {
			t.Errorf("%s is set twice", variable.Name)
		}
		environment[variable.Name] = variable.Value
	}
	return environment
}

func container(t *testing.T, found objects) corev1.Container {
	t.Helper()
	if len(found.sets) != 1 || len(found.sets[0].Spec.Template.Spec.Containers) != 1 {
		t.Fatalf("not one container: %+v", found.sets)
	}
	return found.sets[0].Spec.Template.Spec.Containers[0]
}

func TestEveryFileOfValuesMakesObjectsThatKubernetesKnowsAndThatFitTogether(t *testing.T) {
	files, err := os.ReadDir(filepath.Join(directory, "ci"))
	if err != nil || len(files) < 3 {
		t.Fatalf("the files of values: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(file.Name(), func(t *testing.T) {
			found := read(t, values(t, file.Name()))
			spec := found.sets[0].Spec
			labels := spec.Template.Labels
			mounted(t, spec.Template.Spec, spec.VolumeClaimTemplates)
			hardened(t, spec.Template.Spec, container(t, found))
			selects := func(what string, selector map[string]string) {
				if len(selector) == 0 {
					t.Errorf("%s selects every pod", what)
				}
				for label, value := range selector {
					if labels[label] != value {
						t.Errorf("%s does not select the pods: %s is %s", what, label, labels[label])
					}
				}
			}
			selects("the set", spec.Selector.MatchLabels)
			governs := false
			for _, service := range found.services {
				selects(service.Name, service.Spec.Selector)
				governs = governs || service.Name == spec.ServiceName && service.Spec.ClusterIP == corev1.ClusterIPNone
			}
			if !governs {
				t.Errorf("no headless service %s gives the pods their names", spec.ServiceName)
			}
			for _, policy := range found.policies {
				selects("the network policy", policy.Spec.PodSelector.MatchLabels)
			}
			for _, monitor := range found.monitors {
				scraped(t, monitor, found.services)
			}
		})
	}
}

// mounted says that each mount has a volume, and each volume a mount.
func mounted(t *testing.T, pod corev1.PodSpec, claims []corev1.PersistentVolumeClaim) {
	t.Helper()
	var volumes, mounts []string
	for _, volume := range pod.Volumes {
		volumes = append(volumes, volume.Name)
	}
	for _, claim := range claims {
		volumes = append(volumes, claim.Name)
	}
	for _, mount := range pod.Containers[0].VolumeMounts {
		mounts = append(mounts, mount.Name)
	}
	sort.Strings(volumes)
	sort.Strings(mounts)
	if strings.Join(volumes, " ") != strings.Join(mounts, " ") {
		t.Errorf("volumes %v, mounts %v", volumes, mounts)
	}
	for _, mount := range pod.Containers[0].VolumeMounts {
		if strings.HasPrefix(mount.MountPath, "/etc/") && !mount.ReadOnly {
			t.Errorf("%s can be written", mount.MountPath)
		}
	}
	for _, variable := range pod.Containers[0].Env {
		path, isPath := strings.CutPrefix(variable.Value, "/etc/apportion/")
		if isPath && !strings.Contains(strings.Join(mounts, " "), strings.Split(path, "/")[0]) {
			t.Errorf("%s names %s, which is not mounted", variable.Name, variable.Value)
		}
	}
}

func hardened(t *testing.T, pod corev1.PodSpec, of corev1.Container) {
	t.Helper()
	context := of.SecurityContext
	if !*pod.SecurityContext.RunAsNonRoot || *context.AllowPrivilegeEscalation || !*context.ReadOnlyRootFilesystem ||
		len(context.Capabilities.Drop) != 1 || context.Capabilities.Drop[0] != "ALL" || *pod.AutomountServiceAccountToken {
		t.Errorf("the pod may do more than it needs: %+v %+v", pod.SecurityContext, context)
	}
	if of.LivenessProbe == nil || of.ReadinessProbe == nil || of.StartupProbe == nil {
		t.Error("a probe is missing")
	}
	if of.LivenessProbe.HTTPGet.Path != "/healthz" || of.ReadinessProbe.HTTPGet.Path != "/readyz" {
		t.Error("a server that cannot serve for a while must not be restarted for it")
	}
	drain := *pod.TerminationGracePeriodSeconds - of.Lifecycle.PreStop.Sleep.Seconds
	if drain <= 20 {
		t.Errorf("%d s are left for a drain of 20 s", drain)
	}
}

func scraped(t *testing.T, monitor serviceMonitor, services []corev1.Service) {
	t.Helper()
	matching := 0
	for _, service := range services {
		matches := true
		for label, value := range monitor.Spec.Selector.MatchLabels {
			matches = matches && service.Labels[label] == value
		}
		for _, port := range service.Spec.Ports {
			if matches && port.Name == monitor.Spec.Endpoints[0].Port {
				matching++
			}
		}
	}
	if matching != 1 {
		t.Errorf("%d services are scraped instead of one", matching)
	}
}

func TestOneNodeHasAVolumeAndNoBudgetOfDisruptions(t *testing.T) {
	found := read(t, values(t, "single.yaml"))
	set := found.sets[0]
	if *set.Spec.Replicas != 1 || len(set.Spec.VolumeClaimTemplates) != 1 || len(found.budgets) != 0 || len(found.monitors) != 1 {
		t.Errorf("%+v", found)
	}
	if size := set.Spec.VolumeClaimTemplates[0].Spec.Resources.Requests[corev1.ResourceStorage]; size.String() != "5Gi" {
		t.Errorf("the volume has %s", size.String())
	}
	environment := environment(t, found)
	for variable, value := range map[string]string{
		"APPORTION_TLS_CERT": "/etc/apportion/tls/tls.crt", "APPORTION_TLS_CLIENT_CA": "/etc/apportion/client-ca/ca.crt",
		"APPORTION_TLS_CLIENT_OPTIONAL": "false", "APPORTION_LOG_LEVEL": "debug", "APPORTION_AUDIT_ENTRIES": "50000",
	} {
		if environment[variable] != value {
			t.Errorf("%s is %q", variable, environment[variable])
		}
	}
	for variable := range environment {
		if strings.Contains(variable, "ETCD") || strings.Contains(variable, "PEER") {
			t.Errorf("%s is set", variable)
		}
	}
	if len(found.policies[0].Spec.Egress) != 0 {
		t.Error("one node calls nobody")
	}
}

func TestAClusterHasNoVolumeButNamesABudgetAndAPortForNodesAlone(t *testing.T) {
	found := read(t, values(t, "cluster.yaml"))
	set := found.sets[0]
	if *set.Spec.Replicas != 3 || len(set.Spec.VolumeClaimTemplates) != 0 || len(found.budgets) != 1 {
		t.Errorf("%+v", found)
	}
	environment := environment(t, found)
	for variable, value := range map[string]string{
		"APPORTION_STORE":              "etcd://etcd-0.etcd:2379,etcd-1.etcd:2379,etcd-2.etcd:2379",
		"APPORTION_CLUSTER":            "production",
		"APPORTION_ADVERTISE":          "$(APPORTION_NODE).try-apportion-nodes.limits.svc:7420",
		"APPORTION_ETCD_USER":          "apportion",
		"APPORTION_ETCD_PASSWORD_FILE": "/etc/apportion/etcd-password/password",
		"APPORTION_PEER_TLS_CA":        "/etc/apportion/peer-tls/ca.crt",
	} {
		if environment[variable] != value {
			t.Errorf("%s is %q", variable, environment[variable])
		}
	}
	if container(t, found).Env[0].Name != "APPORTION_NODE" {
		t.Error("a variable can be used only after it is set")
	}
	for _, rule := range found.policies[0].Spec.Ingress {
		if rule.Ports[0].Port.String() == "peers" && len(rule.From[0].PodSelector.MatchLabels) == 0 {
			t.Error("others than nodes reach the port for nodes")
		}
	}
}

func TestValuesThatCannotWorkAreRefusedWithWhatToDo(t *testing.T) {
	for fault, values := range map[string]string{
		"tls.secret":                  `adminToken: {secret: a}`,
		"adminToken.secret":           `tls: {secret: a}`,
		"cluster.etcd.members":        `{insecure: true, cluster: {enabled: true, peerTlsSecret: a}}`,
		"cluster.peerTlsSecret":       `{insecure: true, cluster: {enabled: true, etcd: {members: ["a:1"]}}}`,
		"cluster.etcd.passwordSecret": `{insecure: true, cluster: {enabled: true, peerTlsSecret: a, etcd: {members: ["a:1"], user: b}}}`,
		"cluster.etcd.tlsSecret":      `{tls: {secret: a}, adminToken: {secret: b}, cluster: {enabled: true, peerTlsSecret: c, etcd: {members: ["a:1"], user: d, passwordSecret: e}}}`,
		"replica":                     `{insecure: true, replica: 2}`,
		"members":                     `{insecure: true, cluster: {enabled: true, peerTlsSecret: a, etcd: {members: ["a"]}}}`,
		"LOG_LEVEL":                   `{insecure: true, env: {LOG_LEVEL: debug}}`,
	} {
		var parsed map[string]any
		if err := yaml.Unmarshal([]byte(values), &parsed); err != nil {
			t.Fatal(err)
		}
		if _, err := render(t, parsed); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: %v", values, err)
		}
	}
}
