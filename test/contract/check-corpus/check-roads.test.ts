/** Phase check over the corpora's road to Airflow 3, on which the most rules speak. The other roads, minutes of them, are in check-roads.slow.test.ts. */
import { BREAKS_TO_3, ROAD_TO_3 } from './breaks-to-3.js';
import { describeRoad } from './describe-road.js';
import { MOVES_TO_3 } from './moved-to-3.js';

describeRoad({ road: ROAD_TO_3, breaks: BREAKS_TO_3, kinds: ['broken', 'good'], moves: MOVES_TO_3 });
