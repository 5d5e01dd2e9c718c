/**
 * @module
 * Plugins that come with the engine. Those with a configuration are off without one.
 */
import { type MetricsConfig, parseMetricsConfig } from "./metrics.ts";
import { parseWebhookConfig, type WebhookConfig } from "./webhook.ts";

export { lifecycleLog } from "./lifecycle_log.ts";
export { Metrics, type MetricsConfig, type MetricsSources } from "./metrics.ts";
export { METRICS_TYPE } from "./metrics_text.ts";
export { webhook, type WebhookConfig } from "./webhook.ts";

/** What the engine's configuration says of plugins, by name. */
export interface PluginSettings {
  readonly webhook?: WebhookConfig;
  readonly metrics?: MetricsConfig;
  /** Of all others, as it is there: whoever loads them checks it. */
  readonly others: Readonly<Record<string, unknown>>;
}

export const NO_PLUGIN_SETTINGS: PluginSettings = { others: {} };

/** @throws {TsdError} invalid_argument, without the plugin's name */
export const BUILT_IN_CONFIGS = {
  webhook: parseWebhookConfig,
  metrics: parseMetricsConfig,
} as const;
