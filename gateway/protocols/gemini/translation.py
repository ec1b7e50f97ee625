"""What translating Gemini is, as a record; and what a stream needs that is to be one array."""

from gateway.protocols.gemini.answers import decode_response, encode_response
from gateway.protocols.gemini.fields import FATES, FIELDS
from gateway.protocols.gemini.requests import decode_request, encode_request
from gateway.protocols.gemini.streams import new_array_encoder, new_decoder, new_encoder
from gateway.protocols.translation import Translation

TRANSLATION = Translation(
    decode_request=decode_request,
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    new_decoder=new_decoder,
    new_encoder=new_encoder,
    fields=FIELDS,
    fates=FATES,
)

__all__ = ["TRANSLATION", "new_array_encoder"]
