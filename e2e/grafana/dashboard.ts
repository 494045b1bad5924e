// What our dashboards may be made of: Grafana's own types, panel by panel. A test writes a dashboard behind them as a
// constant and compiles both.

import type { Dashboard as AnyDashboard, DataSourceRef, FieldConfig as AnyFieldConfig, Panel as AnyPanel, RowPanel } from '@grafana/schema';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as timeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as series from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** As JSON has it: members of enumerations are texts. */
type Plain<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;

/** What Grafana's data source for Prometheus takes. */
interface Query {
  refId: string;
  datasource: DataSourceRef;
  expr: string;
  legendFormat: string;
  instant?: boolean;
  range?: boolean;
}

interface PanelOf<Type extends string, Options, Custom>
  extends Omit<AnyPanel, 'type' | 'options' | 'fieldConfig' | 'targets' | 'datasource'> {
  type: Type;
  datasource: DataSourceRef;
  options: Options;
  fieldConfig: {
    defaults: Omit<AnyFieldConfig, 'custom'> & { custom?: Custom };
    overrides: never[];
  };
  targets: Query[];
}

type Panel =
  | RowPanel
  | PanelOf<'stat', stat.Options, never>
  | PanelOf<'state-timeline', timeline.Options, timeline.FieldConfig>
  | PanelOf<'timeseries', series.Options, series.FieldConfig>;

export type Dashboard = Plain<Omit<AnyDashboard, 'panels'> & { panels: Panel[] }>;
