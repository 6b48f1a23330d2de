"""What resources are made of, by hand over the generated types of ``r4``: JSON, XML, dates, units, FHIRPath.

1. ``codec.py``: bytes to typed resources and back, strictly; ``exact.py`` where the fast decoder had a doubt,
   ``explain.py`` for the sentence that says why something was refused.
2. ``dates.py``, ``quantities.py``, ``ucum.py``, ``references.py``, ``fold.py``: what values mean to search.
3. ``tree.py``: JSON as a plain tree, for work that is about elements (decision 0005); ``structures.py``: what a
   StructureDefinition says of them; ``shapes.py``: what the generated classes say.
4. ``xml.py`` over ``xml_nodes.py``: XML into that JSON and back.
5. ``fhirpath``: expressions over trees.
"""
