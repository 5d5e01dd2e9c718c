/**
 * @module
 * Plugins that come with the engine. Those that take a configuration are disabled without one.
 */
import { type MetricsConfig, parseMetricsConfig } from "./metrics.ts";
import { parseWebhookConfig, type WebhookConfig } from "./webhook.ts";

export { lifecycleLog } from "./lifecycle_log.ts";
export { Metrics, type MetricsConfig, type MetricsSources } from "./metrics.ts";
export { METRICS_TYPE } from "./metrics_text.ts";
export { webhook, type WebhookConfig } from "./webhook.ts";

/** The plugins' part of the engine's configuration, by name. */
export interface PluginSettings {
  readonly webhook?: WebhookConfig;
  readonly metrics?: MetricsConfig;
  /** Configurations of all other plugins, unchecked: they are validated when the plugin is loaded. */
  readonly others: Readonly<Record<string, unknown>>;
}

export const NO_PLUGIN_SETTINGS: PluginSettings = { others: {} };

/**
 * Validators of the built-in plugins' configurations.
 * @throws {TsdError} invalid_argument, without the plugin's name
 */
export const BUILT_IN_CONFIGS = {
  webhook: parseWebhookConfig,
  metrics: parseMetricsConfig,
} as const;
