"""The URLs about people."""

from django.urls import path

from portal.people.views import entering, inviting, keeping, limiting

app_name = "people"

urlpatterns = [
    path("people/", keeping.people_page, name="people"),
    path("people/invite/", inviting.invite, name="invite"),
    path("people/invitations/<int:pk>/", inviting.invitation_page, name="invitation"),
    path("people/invitations/<int:pk>/limits/", limiting.invitation_limits, name="invitation_limits"),
    path("people/invitations/<int:pk>/renew/", inviting.renew, name="renew"),
    path("people/invitations/<int:pk>/revoke/", inviting.revoke, name="revoke"),
    path("people/<int:pk>/", keeping.person_page, name="person"),
    path("people/<int:pk>/details/", keeping.details_page, name="details"),
    path("people/<int:pk>/role/", keeping.role_page, name="role"),
    path("people/<int:pk>/limits/", limiting.person_limits, name="limits"),
    path("people/<int:pk>/deactivate/", keeping.deactivate, name="deactivate"),
    path("people/<int:pk>/reactivate/", keeping.reactivate, name="reactivate"),
    path("people/<int:pk>/sign-out/", keeping.sign_out, name="sign_out"),
    path("people/<int:pk>/second-factor/", keeping.reset_factors, name="reset_factors"),
    path("people/<int:pk>/reset/", keeping.send_reset, name="send_reset"),
    path("people/<int:pk>/drafts/<uuid:order>/", keeping.take_over, name="take_over"),
    path("invitation/<str:token>/", entering.accept, name="accept"),
]
