// The settings by which a `walflow dev` gets ports of its own, so that several run side by side.

export const DEV_PORT_SETTINGS = [
  'WALFLOW_HTTP_PORT',
  'WALFLOW_INGEST_HTTP_PORT',
  'WALFLOW_POSTGRES_PORT',
  'WALFLOW_S3_PORT',
  'WALFLOW_TEMPORAL_PORT',
  'WALFLOW_TEMPORAL_UI_PORT',
] as const;
