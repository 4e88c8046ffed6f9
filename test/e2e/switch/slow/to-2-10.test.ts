import { TO_2_10 } from '../pair.js';
import { describeSwitch } from '../switch-story.js';

describeSwitch(TO_2_10);
