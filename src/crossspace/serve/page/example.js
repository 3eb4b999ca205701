// A conversation to try, when no other is at hand.

export const EXAMPLE = `MARA: You came! I did not think the train would run in this snow.
JONAS: It did not. I walked from Lindau.
MARA: Walked? That is eleven kilometres, Jonas.
JONAS: I know. My left boot knows it, too.
MARA: Sit down, sit down. There is soup.
JONAS: Wait. Is that the letter from the academy?
MARA: I have not dared to open it. What if they said no?
JONAS: Then give it here. Mara, you are in.
MARA: No. Read it again. Slowly.
JONAS: We are delighted to offer you a place. Delighted, it says!
MARA: Oh, this is wonderful! I could dance on this table!
RUTH: What is all this noise? Some of us have to get up at five.
MARA: I am so sorry, Ruth. They took me! They really took me!
RUTH: So you are leaving me alone with the shop. Great.
JONAS: Ruth, that is not fair. She has waited three years for this.
RUTH: I know. I am just going to miss her, that is all.`;
