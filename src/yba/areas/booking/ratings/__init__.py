"""What people say of a visit that took place: stars, a few questions, words. One a visit, changed by who wrote it.

**Kept** as a QuestionnaireResponse about the Encounter (`subject`, `encounter`, `source`), answering the
Questionnaire `visit-rating` of the record. So it is in the person's own record, with its versions, under the door,
in what they export, and erased with it; a form of another year is another Questionnaire. R4 has no resource for a
rating itself.

**Nobody of staff reads it there.** It is kept by the house (tag ``yba-ratings``), for which nobody works, so that
no treatment opens it, not even to the doctor it is about; and it bears the label R, so that no share, transfer or
opening in an emergency brings it along. Staff and other citizens see the copy.

**The copy** (`Rating`) has what may be shown: the stars, the answers, the words, the month; its key is drawn by lot
and says nothing of whose it is. It is written in the same transaction, and with it the figures of the
practitioner's role in the directory (`Post.rated_count`, `rated_sum`), which are counted anew under the lock of
that row, never by adding one. From ``rules.ENOUGH`` ratings on the average, the count and the words are shown; with
fewer one could tell who said what.

**No leaks.** No name, no date but the month. A visit that tells something by a label is not asked about and not
taken (`care.rating`), nor is one of a specialty that tells by its name; a label that comes later takes the rating
out of the figures the next night, and its words from the page at once. Words with the person's own name, a number
to call or a word the labels know are refused with what to change.

**Disputed** by the doctor or the facility, with a reason: the words rest, the stars go on counting, so that nobody
gains by disputing. An administrator of the facility, other than who disputed, keeps it or hides it, with a reason;
who wrote it is told, and may change what they wrote, which is then looked at again.
"""
