package install

import (
	"context"
	"fmt"
	"io"
	"net/http"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// ReadSchedulerMetrics are the metrics that the scheduler serves, by name.
func (i *Installation) ReadSchedulerMetrics(ctx context.Context) (map[string]*dto.MetricFamily, error) {
	url := fmt.Sprintf("https://127.0.0.1:%d/metrics", i.port)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+i.cluster.RESTConfig().BearerToken)
	response, err := insecureClient().Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1024)) // to say more of it
		return nil, fmt.Errorf("%s answers %s: %s", url, response.Status, text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(response.Body)
}
