import { LabIcon } from '@jupyterlab/ui-components';

import svg from '../style/nbrucio.svg';

/** The mark of nbrucio: files that arrive in a notebook. It takes the colour of its place. */
export const nbrucioIcon = new LabIcon({ name: 'nbrucio:icon', svgstr: svg });
