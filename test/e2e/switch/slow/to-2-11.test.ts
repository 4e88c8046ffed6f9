import { TO_2_11 } from '../pair.js';
import { describeSwitch } from '../switch-story.js';

describeSwitch(TO_2_11);
